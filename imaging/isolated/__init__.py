"""Decoding in processes of their own: whatever a file does to a codec, it does to that process alone.

`pool.py` is what the pipeline calls, `process.py` one process seen from the service, `worker.py` what runs in it,
`seccomp.py` what the kernel then still does for it, `buffers.py` the memory that both share.
"""
