"""The limits of connections, and the operating system's limit on descriptors that they must stay below."""

import resource
from dataclasses import dataclass

MAX_HEAD_BYTES = 32 * 1024
"""Twice the longest payment that a rail reads."""
MAX_FIELDS = 100
MAX_TARGET_BYTES = 2048
"""Of a request line's target; ours take a dozen short parameters."""

_KEPT_FREE = 100
"""Descriptors for everything else: database, runner, chains, log, and connections that are being closed."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What connections may cost.

    Attributes:
        total: connections of this process.
        per_address: connections of one address (IPv6: /64); trusted proxies have no limit of their own.
        requests_per_s: that one address may begin; trusted proxies have no such limit.
        head_timeout_s: to complete the header fields, from the connection or from the last answer.
        discard_timeout_s: for the rest of a body that has been answered already.
        pace_bytes_s, pace_window_s: the least that must pass in each window while an answer is read, or the rest of a
            body is discarded.
    """

    total: int = 1000
    per_address: int = 100
    requests_per_s: float = 50.0
    head_timeout_s: float = 10.0
    discard_timeout_s: float = 60.0
    pace_bytes_s: int = 8_000
    pace_window_s: float = 10.0

    @property
    def affordable(self) -> int:
        """`total`, or as many as there are descriptors for."""
        return max(1, min(self.total, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _KEPT_FREE))


def raise_descriptor_limit() -> None:
    """Let this process open as many files as it may: the soft limit is often 1,024 where the hard one is a million."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
