"""The limits that the protocol itself has, and the operating system's limit on descriptors."""

import resource

MAX_HEAD_BYTES = 32 * 1024
"""Twice the longest payment that a rail reads."""
MAX_FIELDS = 100
MAX_TARGET_BYTES = 2048
"""Of a request line's target; ours take a dozen short parameters."""


def raise_descriptor_limit() -> None:
    """Let this process open as many files as it may: the soft limit is often 1,024 where the hard one is a million."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
