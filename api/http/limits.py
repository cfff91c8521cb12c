"""The protocol's limits, and the operating system's limit on descriptors."""

import resource

MAX_HEAD_BYTES = 32 * 1024
"""Twice the longest payment header that a rail accepts."""
MAX_FIELDS = 100
MAX_TARGET_BYTES = 2048
"""Limit of a request line; our URLs have a dozen short parameters."""


def raise_descriptor_limit() -> None:
    """Raise the soft limit on open files to the hard limit: often from 1,024 to a million."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
