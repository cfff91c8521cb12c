"""A gate with one scripted rail and a real ledger, and what a buyer sends to it."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from decimal import Decimal

from payments.gate import Gate
from payments.ledger import Entry, Ledger, State
from payments.money import Price
from payments.order import Order
from payments.policy import SalePolicy
from payments.rail import Credential
from payments.receipts.signed import ReceiptSigner
from payments.resolver import Resolver
from payments.result_cache import Delivery, ResultCache
from payments.sale import SaleRequest, SaleResult
from tests.fakes.clock import FakeClock
from tests.fakes.rails import ScriptedRail
from tests.fakes.steps import Steps

PRICE = Price(Decimal("0.05"))
PICTURE, CUT_OUT = b"picture", b"erutcip"
"""An image and its result, by default."""


def order(body: bytes = PICTURE, output: str = "png") -> Order:
    """What a payment is to buy."""
    return Order(
        "https://cut.example/v1/remove-background",
        "POST",
        body,
        (("format", output),),
        PRICE,
        facts={"model": "small"},
    )


class Seller:
    """Sells the body of an order, turned round.

    `admitting` and `working` hold what the next calls raise, first come first; while `may_work` is cleared, work waits.
    """

    def __init__(
        self, ledger: Ledger, clock: FakeClock, *, policy: SalePolicy | None = None, recent_bytes: int = 0
    ) -> None:
        self.signer: ReceiptSigner | None = None
        """What gates that are opened from now on sign receipts with."""
        self.rail = ScriptedRail()
        self.ledger = ledger
        self.clock = clock
        self.policy = policy or SalePolicy()
        self.recent_bytes = recent_bytes
        self.admitting: list[Exception] = []
        self.wait_s = 0.0
        """What admission says."""
        self.working: list[Exception] = []
        self.works = 0
        self.may_work = asyncio.Event()
        self.may_work.set()
        self.gate = self.open()

    def open(self, steps: Steps | None = None) -> Gate:
        """A gate, as a freshly started process would have it; with every call that it makes going through `steps`."""
        watch = steps or Steps(None)
        return Gate(
            (watch.through(self.rail),),
            watch.through(self.ledger),
            policy=self.policy,
            recent=ResultCache(self.recent_bytes),
            clock=self.clock,
            signer=self.signer,
        )

    @property
    def resolver(self) -> Resolver:
        """What resolves payments in doubt without their buyers."""
        return Resolver(self.gate.rails, self.ledger, self.policy)

    async def send(
        self,
        wanted: Order | None = None,
        *,
        payment_id: str = "payment",
        fingerprint: str = "print",
        key: str | None = None,
        host: str = "",
        is_gone: Callable[[], bool] = lambda: False,
        came_at: float = math.inf,
        gate: Gate | None = None,
        steps: Steps | None = None,
    ) -> SaleResult:
        """Send a payment with an order, the same one each time unless told otherwise; `key` names the purchase."""
        wanted, watch = wanted or order(), steps or Steps(None)

        async def work() -> Delivery:
            self.works += 1
            await self.may_work.wait()
            if self.working:
                raise self.working.pop(0)
            return Delivery(headers=(("X-Made", "here"),), body=wanted.body[::-1])

        async def admit() -> float:
            if self.admitting:
                raise self.admitting.pop(0)
            return self.wait_s

        credential = Credential(self.rail.name, payment_id, fingerprint, idempotency_key=key)
        request = SaleRequest(
            watch.through(self.rail.bind(credential)),
            wanted,
            admit=lambda: watch.step("admit", admit),
            work=lambda: watch.step("work", work),
            host=host,
            is_gone=is_gone,
            came_at=came_at,
        )
        return await (gate or self.gate).sell(request)

    async def entry(self) -> Entry | None:
        """What the ledger knows of the payment."""
        return await self.ledger.find("payment")

    async def is_free(self) -> bool:
        """Whether the next one to look the payment up may claim it."""
        entry = await self.entry()
        return entry is None or entry.is_abandoned

    async def wait_for_work(self) -> None:
        """Until work has begun."""
        await _until(self._has_worked)

    async def wait_for(self, verb: str) -> None:
        """Until the rail has been asked for something."""

        async def called() -> bool:
            return self.rail.called(verb) > 0

        await _until(called)

    async def wait_for_state(self, state: State) -> None:
        """Until the ledger says so."""

        async def reached() -> bool:
            entry = await self.entry()
            return entry is not None and entry.state is state

        await _until(reached)

    async def wait_until(self, changed: Callable[[Entry, Entry], bool]) -> None:
        """Until the ledger's entry of the payment has changed in this way: before, now."""
        before = await self.entry()

        async def has() -> bool:
            now = await self.entry()
            return before is not None and now is not None and changed(before, now)

        await _until(has)

    async def _has_worked(self) -> bool:
        return self.works > 0

    def leases_run_out(self) -> None:
        """Nobody who was silent until now is trusted to be alive any more."""
        self.clock.advance(self.policy.work_lease_s + self.policy.settle_lease_s)


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await reached():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.001)
