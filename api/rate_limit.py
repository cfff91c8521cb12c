"""Limits on requests without revenue. Quotes are free, so they are counted; they do not delay payments.

Three counters per minute count responses by outcome, never the requests themselves:

    counter    per      limit      counts
    unpaid     address  30         unpaid answers to requests without a payment or with an unreadable one
    payments   address  4 * 30     readable payments without revenue
    payer      payer    30         the same, if a signature proves the payer

An aborted or stalled upload counts, and so does one over the address's limit of bytes. A payment without revenue counts
once: refused, too late, without funds, already used, with an invalid picture, any 4xx. It counts ten times if it was
refused after the work was done, or is in doubt; but a payment in doubt counts once if its payer paid here within the
last hour, because then the chain is the likely cause. Our own errors and settled payments do not count. A copy of a
payment in progress is cheap.

Requests are refused before the body is read:

    without a payment, or with an unreadable one          at 30 unpaid answers of the address
    a payment that only the chain can verify              at half of the address's limit on payments
    a payment with its payer's signature                  at the address's or the payer's limit on payments
    the same, if the payer paid here before               at the payer's limit

So a buyer who shares an address with an attacker (behind one NAT, or a proxy that is not declared) can still buy:
quotes and unreadable payments do not delay payments, and a payment with a forged payer does not delay signed ones.

An address is an IPv4 address or an IPv6 /64. If the store does not answer, requests pass uncounted: a lost counter must
not stop sales, and without the ledger nothing is sold anyway.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog
from cachetools import TTLCache
from limits import RateLimitItemPerMinute
from limits.aio.storage import Storage
from limits.errors import StorageError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import address_of
from api.config import RateLimitConfig
from errors import PaymentState, RateLimited, ServiceError, UploadsLimited
from payments import HeaderFields
from payments.middleware import PresentedPayment

log = structlog.get_logger(__name__)

EARNED_NOTHING = frozenset({400, 402, 406, 408, 409, 413, 415, 422, 499})
WORKED_FOR = 10
"""The weight of a response whose work was done and not paid."""
PAYMENTS_PER_ADDRESS = 4
"""Factor of the limit on unpaid answers."""

_REASONS = {
    "unpaid": "This address received too many unpaid answers within a minute.",
    "payments": "Too many payments of this address bought nothing within a minute or are in progress.",
    "payer": "Too many payments of this payer bought nothing within a minute.",
}
_WINDOW_S = 60
_PATIENCE_S = 0.5
_REMEMBERED = 100_000  # keys of one counter
_PAID_BEFORE_S = 3600


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of a key: the count of its minute, and the unix second of the reset."""

    name: str
    count: int
    limit: int
    until: float

    @property
    def reset_s(self) -> int:
        """Whole seconds until the reset."""
        return min(max(math.ceil(self.until - time.time()), 1), _WINDOW_S)

    @property
    def headers(self) -> HeaderFields:
        """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10)."""
        left = max(0, self.limit - self.count)
        return (
            ("RateLimit-Policy", f'"{self.name}";q={self.limit};w={_WINDOW_S}'),
            ("RateLimit", f'"{self.name}";r={left};t={self.reset_s}'),
        )


class Counter:
    """Counts per key and minute, with one query to the store for each count.

    The last answer of the store is cached, so a key over its limit needs no query. Another worker sees the limit with
    the first response that it counts itself.

    Args:
        storage: an asynchronous storage of the `limits` package, shared by all workers.
    """

    def __init__(self, storage: Storage, name: str, per_minute: int) -> None:
        self.name = name
        self.per_minute = per_minute
        self._storage = storage
        self._item = RateLimitItemPerMinute(per_minute, namespace=name)
        self._last: TTLCache[str, Usage] = TTLCache(_REMEMBERED, ttl=_WINDOW_S)
        failures = storage.base_exceptions
        self._failures: tuple[type[Exception], ...] = (
            StorageError,
            TimeoutError,
            *(failures if isinstance(failures, tuple) else (failures,)),
        )

    def used(self, key: str) -> Usage:
        """The cached usage."""
        return self._known(key) or Usage(self.name, 0, self.per_minute, time.time() + _WINDOW_S)

    async def hit(self, key: str, weight: int = 1) -> Usage | None:
        """Count `weight`; None if the store does not answer."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                count = await self._storage.incr(self._item.key_for(key), _WINDOW_S, weight)
                usage = Usage(self.name, count, self.per_minute, await self._until(key, begins=count == weight))
        except self._failures as error:
            log.warning("rate_limit_count_failed", counter=self.name, error=type(error).__name__)
            return None
        self._last[key] = usage
        return usage

    async def _until(self, key: str, *, begins: bool) -> float:
        if begins:
            return time.time() + _WINDOW_S
        known = self._known(key)
        return known.until if known else await self._storage.get_expiry(self._item.key_for(key))

    def _known(self, key: str) -> Usage | None:
        usage = self._last.get(key)
        return usage if usage is not None and usage.until > time.time() else None


class RateLimits:
    """The three counters and their limits; see the module's tables.

    Args:
        config: the limit on unpaid answers, which determines the others.
    """

    def __init__(self, storage: Storage, config: RateLimitConfig = RateLimitConfig()) -> None:  # noqa: B008  # immutable
        unpaid_per_minute = config.unpaid_per_minute
        self.unpaid = Counter(storage, "unpaid", unpaid_per_minute)
        self.payments = Counter(storage, "payments", PAYMENTS_PER_ADDRESS * unpaid_per_minute)
        self.payer = Counter(storage, "payer", unpaid_per_minute)
        self._under_way: dict[str, int] = {}
        self._paid_before: TTLCache[str, bool] = TTLCache(_REMEMBERED, ttl=_PAID_BEFORE_S)

    @contextmanager
    def admitted(self, address: str, payment: PresentedPayment | None) -> Iterator[None]:
        """Reserve a place for a request while it is processed.

        Raises:
            RateLimited: a counter has reached its limit.
        """
        if payment is None or payment.fault is not None:
            _refuse_at(self.unpaid.per_minute, self.unpaid.used(address))
            yield
            return
        self._refuse_payment(address, payment.payer)
        self._under_way[address] = self._under_way.get(address, 0) + 1
        try:
            yield
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    def _refuse_payment(self, address: str, payer: str | None) -> None:
        if payer is not None:
            _refuse_at(self.payer.per_minute, self.payer.used(payer))
        if payer is None or payer not in self._paid_before:
            # Requests in progress count too: a burst ends before its first response is counted.
            at = self.payments.per_minute if payer is not None else self.payments.per_minute // 2
            _refuse_at(at - self._under_way.get(address, 0), self.payments.used(address))

    def weight(self, error: ServiceError, payment: PresentedPayment | None) -> int:
        """The weight of a response; 0 if it does not count."""
        if error.payment_state is PaymentState.SETTLED:
            return 0
        worked = payment is not None and payment.worked
        if error.payment_state is PaymentState.IN_FLIGHT:
            return (1 if self.has_paid(payment) else WORKED_FOR) if worked else 0
        if error.status not in EARNED_NOTHING and not isinstance(error, UploadsLimited):
            return 0
        return WORKED_FOR if worked else 1

    def has_paid(self, payment: PresentedPayment | None) -> bool:
        """Whether the payer (proven by a signature) paid here within the last hour."""
        return payment is not None and payment.payer in self._paid_before

    def earned(self, payment: PresentedPayment | None) -> None:
        """A picture was delivered for this payment."""
        if payment is not None and payment.payer is not None:
            self._paid_before[payment.payer] = True

    async def count(self, address: str, payment: PresentedPayment | None, *, weight: int) -> Usage | None:
        """Count a response without revenue; returns the usage for its `RateLimit` fields."""
        if payment is None or payment.fault is not None:
            return await self.unpaid.hit(address)
        of_address = await self.payments.hit(address, weight)
        return of_address if payment.payer is None else await self.payer.hit(payment.payer, weight)


@dataclass(eq=False)
class RateLimitMiddleware:
    """Refuses requests over a limit and counts the other responses by outcome.

    Args:
        presented: reads the payment of a request.
    """

    app: ASGIApp
    limits: RateLimits = field(kw_only=True)
    presented: Callable[[Scope], PresentedPayment | None] = field(kw_only=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or raise `RateLimited`; a counted error from below gets the `RateLimit` fields."""
        address = address_of(scope)
        payment = self.presented(scope)
        try:
            with self.limits.admitted(address, payment):
                await self.app(scope, receive, send)
        except ClientDisconnect:
            await self.limits.count(address, payment, weight=1)
            raise
        except ServiceError as error:
            weight = self.limits.weight(error, payment)
            usage = await self.limits.count(address, payment, weight=weight) if weight else None
            if usage and usage.name == self.limits.unpaid.name and usage.count > usage.limit:
                raise _refusal(usage) from error
            if usage is None:
                raise
            raise error.adding(headers=usage.headers) from error
        self.limits.earned(payment)


def _refuse_at(limit: int, usage: Usage) -> None:
    if usage.count >= limit:
        raise _refusal(usage)


def _refusal(usage: Usage) -> RateLimited:
    return RateLimited(
        f"{_REASONS[usage.name]} Send the same request again in {usage.reset_s} seconds.",
        headers=usage.headers,
        retry_after=usage.reset_s,
    )
