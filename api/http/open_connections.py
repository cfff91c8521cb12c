"""The registry of this process's connections: their maximum number, eviction of idle ones, and timeouts."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import Protocol

import structlog

from api.addresses import network
from api.config import ConnectionLimits
from api.http.request_rate import RequestRate
from telemetry import CONNECTIONS_CLOSED

log = structlog.get_logger(__name__)

_CHECK_INTERVAL_S = 1.0
_LOG_INTERVAL_S = 60.0
_PROXY = "a trusted proxy"
"""Placeholder for the address of clients behind a proxy."""
_CANDIDATES = 64
"""Idle connections to compare, oldest first, when one must be evicted."""


class Connection(Protocol):
    """The registry's view of a connection."""

    peer: str

    def overdue(self, now: float) -> str | None:
        """Why it must be closed now, or None; `now` is the event loop's time."""
        ...

    def expire(self) -> None:
        """Close it, with a response if one is due and possible."""
        ...

    def abort(self) -> None:
        """Close it immediately."""
        ...


class OpenConnections:
    """If there are too many, the registry closes the longest idle connection of the address with most connections; a
    connection is idle if no response is due.

    So a client with few connections keeps them, even if another one opens new ones quickly.

    Args:
        trusted_proxies: addresses or networks of proxies with many clients.
    """

    def __init__(self, limits: ConnectionLimits, trusted_proxies: Sequence[str] = ()) -> None:
        self.limits = limits
        self._total, self._per_address = limits.affordable, limits.affordable_per_address
        self._proxies = [ip_network(each, strict=False) for each in trusted_proxies]
        self._all: dict[Connection, str] = {}
        self._idle: dict[Connection, None] = {}
        self._of_address: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._rate = RequestRate(limits.requests_per_s)
        self._timer: asyncio.TimerHandle | None = None
        self._logged_at = float("-inf")

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Connection) -> bool:
        """Register a new connection, if necessary in place of another one. Returns False if it must be closed."""
        address = _PROXY if self._is_proxy(connection.peer) else network(connection.peer)
        own = self._of_address.get(address, {})
        crowded = len(own) >= self._per_address and address != _PROXY
        full = len(self._all) >= self._total
        if full:
            self._log_full()
        if (crowded and not self._evict(own)) or (full and not crowded and not self._evict(self._idle)):
            CONNECTIONS_CLOSED.labels("refused").inc()
            return False
        self._all[connection] = address
        self._of_address[address][connection] = None
        self._idle[connection] = None
        self._schedule_check()
        return True

    def wait_s(self, connection: Connection, now: float) -> float:
        """Seconds until this connection may start a request; 0: now, and the request is counted."""
        return 0.0 if self._is_proxy(connection.peer) else self._rate.wait_s(network(connection.peer), now)

    def busy(self, connection: Connection) -> None:
        """A response is due from now on."""
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """No response is due."""
        if connection in self._all:
            self._idle.pop(connection, None)
            self._idle[connection] = None

    def remove(self, connection: Connection) -> None:
        """The connection was closed; may be called twice."""
        self._idle.pop(connection, None)
        address = self._all.pop(connection, None)
        if address is not None:
            own = self._of_address[address]
            del own[connection]
            if not own:
                del self._of_address[address]

    def abort_all(self) -> None:
        """Close all connections immediately."""
        for connection in list(self._all):
            self._end(connection, "service stopped")

    def _evict(self, among: dict[Connection, None]) -> bool:
        idle = (each for each in among if each in self._idle)
        victim = max(islice(idle, _CANDIDATES), key=self._share, default=None)
        if victim is None:
            return False
        self._end(victim, "made room")
        return True

    def _share(self, connection: Connection) -> int:
        """Number of connections of its address; 0 for a proxy, which has many clients."""
        address = self._all[connection]
        return 0 if address == _PROXY else len(self._of_address[address])

    def _end(self, connection: Connection, reason: str) -> None:
        CONNECTIONS_CLOSED.labels(reason).inc()
        self.remove(connection)
        connection.abort()

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return True  # a Unix socket
        return any(address in each for each in self._proxies)

    def _log_full(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= _LOG_INTERVAL_S:
            self._logged_at = now
            log.warning("connections_full", connections=len(self._all), addresses=len(self._of_address))

    def _schedule_check(self) -> None:
        if self._timer is None and self._all:
            self._timer = asyncio.get_running_loop().call_later(_CHECK_INTERVAL_S, self._check_all)

    def _check_all(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._all):
            reason = connection.overdue(now)
            if reason is not None:
                CONNECTIONS_CLOSED.labels(reason).inc()
                connection.expire()
        self._timer = None
        self._schedule_check()
