"""All connections of this process: how many there may be, who makes room for a new one, and which are overdue."""

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

_LOOK_EVERY_S = 1.0
_SAY_EVERY_S = 60.0
_PROXY = "a trusted proxy"
"""Stands for the address of those who come by one."""
_CANDIDATES = 64
"""Idle connections that are compared, oldest first, when one has to make room."""


class Connection(Protocol):
    """What the registry asks of a connection."""

    peer: str

    def overdue(self, now: float) -> str | None:
        """Why it should end now, or None; `now` is the event loop's time."""
        ...

    def expire(self) -> None:
        """End it, with an answer where one is still owed and can be given."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


class OpenConnections:
    """Where there are too many, an idle one of the address that has most makes room, the one that has been idle
    longest; idle is whoever is owed no answer.

    So whoever has few connections keeps them, however fast somebody else opens new ones.

    Args:
        trusted_proxies: addresses or networks that many clients come by.
    """

    def __init__(self, limits: ConnectionLimits, trusted_proxies: Sequence[str] = ()) -> None:
        self.limits = limits
        self._total, self._per_address = limits.affordable, limits.affordable_per_address
        self._proxies = [ip_network(each, strict=False) for each in trusted_proxies]
        self._all: dict[Connection, str] = {}
        self._idle: dict[Connection, None] = {}
        self._of_address: defaultdict[str, dict[Connection, None]] = defaultdict(dict)
        self._rate = RequestRate(limits.requests_per_s)
        self._looking: asyncio.TimerHandle | None = None
        self._said_at = float("-inf")

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, connection: Connection) -> bool:
        """Take a new one in, if need be in another one's place; False: it must be closed."""
        address = _PROXY if self._is_proxy(connection.peer) else network(connection.peer)
        own = self._of_address.get(address, {})
        crowded = len(own) >= self._per_address and address != _PROXY
        full = len(self._all) >= self._total
        if full:
            self._say_full()
        if (crowded and not self._make_room(own)) or (full and not crowded and not self._make_room(self._idle)):
            CONNECTIONS_CLOSED.labels("refused").inc()
            return False
        self._all[connection] = address
        self._of_address[address][connection] = None
        self._idle[connection] = None
        self._keep_looking()
        return True

    def wait_s(self, connection: Connection, now: float) -> float:
        """Seconds until this connection may begin a request; 0: now, and it counts."""
        return 0.0 if self._is_proxy(connection.peer) else self._rate.wait_s(network(connection.peer), now)

    def busy(self, connection: Connection) -> None:
        """An answer is owed from now on."""
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """Nothing is owed any more."""
        if connection in self._all:
            self._idle.pop(connection, None)
            self._idle[connection] = None

    def remove(self, connection: Connection) -> None:
        """It has ended; may be told twice."""
        self._idle.pop(connection, None)
        address = self._all.pop(connection, None)
        if address is not None:
            own = self._of_address[address]
            del own[connection]
            if not own:
                del self._of_address[address]

    def abort_all(self) -> None:
        """End all of them at once."""
        for connection in list(self._all):
            self._end(connection, "service stopped")

    def _make_room(self, among: dict[Connection, None]) -> bool:
        idle = (each for each in among if each in self._idle)
        spared = max(islice(idle, _CANDIDATES), key=self._share, default=None)
        if spared is None:
            return False
        self._end(spared, "made room")
        return True

    def _share(self, connection: Connection) -> int:
        """Connections of its address; a proxy's are of many clients."""
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

    def _say_full(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            log.warning("connections_full", connections=len(self._all), addresses=len(self._of_address))

    def _keep_looking(self) -> None:
        if self._looking is None and self._all:
            self._looking = asyncio.get_running_loop().call_later(_LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self._all):
            reason = connection.overdue(now)
            if reason is not None:
                CONNECTIONS_CLOSED.labels(reason).inc()
                connection.expire()
        self._looking = None
        self._keep_looking()
