"""The limit on unpaid answers: asking is free, so it is counted per address; paying is not held up by having asked.

Counted are the answers that cost us work and earn nothing: 400, 402, 408, 413 and 415, rejected and unreadable payments
among them. An address that has used up its minute gets 429 before its body is read. A request that carries a payment
header is let in up to twice that number, because its quote was counted already and others may share the address; when
the payment turns out worthless it is counted and answered 429 as well.

While the store does not answer, requests pass uncounted: a quote costs no call to a chain, and a lost counter must
not close the shop. Nothing is sold without the ledger in any case.
"""

import asyncio
import ipaddress
import math
import time
from dataclasses import dataclass

import structlog
from cachetools import TTLCache
from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.errors import StorageError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from errors import RateLimited, ServiceError
from payments.rail import HeaderFields

log = structlog.get_logger(__name__)

UNPAID = frozenset({400, 402, 408, 413, 415})
PAYMENT_HEADERS = ("x-payment", "payment-signature", "authorization")

_WINDOW_S = 60
_PATIENCE_S = 0.5
_REMEMBERED = 100_000  # addresses


@dataclass(frozen=True, slots=True)
class Usage:
    """What an address has used of its minute: answers counted, and the unix second at which the count starts anew."""

    count: int
    limit: int
    until: float

    @property
    def reset_s(self) -> int:
        """Whole seconds until then."""
        return min(max(math.ceil(self.until - time.time()), 1), _WINDOW_S)

    @property
    def headers(self) -> HeaderFields:
        """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
        left = max(0, self.limit - self.count)
        return (
            ("RateLimit-Policy", f'"unpaid";q={self.limit};w={_WINDOW_S}'),
            ("RateLimit", f'"unpaid";r={left};t={self.reset_s}'),
        )

    def refusal(self) -> RateLimited:
        """The 429 for an address over its limit."""
        return RateLimited(
            f"This address had {self.limit} unpaid answers within a minute. Ask again in {self.reset_s} seconds.",
            headers=self.headers,
            retry_after=self.reset_s,
        )


class UnpaidLimit:
    """Counts unpaid answers per address and minute: one question to the store per answer.

    What the store said last is remembered here, so an address that is over its limit costs no question at all. Another
    worker learns it with the first answer that it counts, and that answer is a 429 already.

    Args:
        storage: an asynchronous storage of the `limits` package, shared by all workers.
    """

    def __init__(self, storage: Storage, per_minute: int = 30) -> None:
        self.per_minute = per_minute
        self._storage = storage
        self._item = RateLimitItemPerMinute(per_minute, namespace="unpaid")
        self._last: TTLCache[str, Usage] = TTLCache(_REMEMBERED, ttl=_WINDOW_S)
        failures = storage.base_exceptions
        self._failures: tuple[type[Exception], ...] = (
            StorageError,
            TimeoutError,
            *(failures if isinstance(failures, tuple) else (failures,)),
        )

    def refuse(self, address: str, at: int) -> None:
        """Raise `RateLimited` when `at` or more answers are known to be counted for the address."""
        usage = self._known(_network(address))
        if usage is not None and usage.count >= at:
            raise usage.refusal()

    async def hit(self, address: str) -> Usage | None:
        """Count one more answer; None when the store does not answer."""
        network = _network(address)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                count = await self._storage.incr(self._item.key_for(network), _WINDOW_S)
                usage = Usage(count, self.per_minute, await self._until(network, count))
        except self._failures as error:
            log.warning("unpaid_answer_not_counted", error=repr(error))
            return None
        self._last[network] = usage
        return usage

    async def _until(self, network: str, count: int) -> float:
        if count == 1:  # the window begins with its first answer
            return time.time() + _WINDOW_S
        known = self._known(network)
        return known.until if known else await self._storage.get_expiry(self._item.key_for(network))

    def _known(self, network: str) -> Usage | None:
        usage = self._last.get(network)
        return usage if usage is not None and usage.until > time.time() else None


class UnpaidLimitMiddleware:
    """Refuses an address that has used up its minute, and counts the unpaid answers of the others."""

    def __init__(self, app: ASGIApp, *, limit: UnpaidLimit) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or raise `RateLimited`; an unpaid refusal from below leaves with the `RateLimit` fields."""
        address = scope["client"][0] if scope.get("client") else "unknown"
        self.limit.refuse(address, at=self.limit.per_minute * (2 if _carries_payment(scope) else 1))
        try:
            await self.app(scope, receive, send)
        except ServiceError as error:
            if error.status not in UNPAID or error.charged:
                raise
            usage = await self.limit.hit(address)
            if usage and usage.count > usage.limit:
                raise usage.refusal() from error
            error.headers += usage.headers if usage else ()
            raise


def _carries_payment(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return any(name in headers for name in PAYMENT_HEADERS)


def _network(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 /64, which is what one customer line is given."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)
