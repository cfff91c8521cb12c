"""Decoding in isolated processes: a malicious file can only affect the process that decodes it.

`pool.py` is the pipeline's interface, `process.py` the service's side of one process, `worker.py` the code that runs in
it, `seccomp.py` its system call filter, `buffers.py` the shared memory.
"""
