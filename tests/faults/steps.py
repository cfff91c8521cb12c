"""The deterministic part: each fault is injected once at each step of a sale, and the order must still complete."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from tests.clients.purchase_client import Way
from tests.faults.buyer import Verdict, verdict
from tests.faults.client import Manner
from tests.faults.facilitator_lies import SETTLE_LIES, VERIFY_LIES, Lie
from tests.faults.history import Buying, Call, Order, Payment
from tests.faults.pictures import OUTPUTS, PICTURES
from tests.faults.planned import Effect, PlannedFault, Plans, Step
from tests.faults.purchase_client import PurchaseClient
from tests.faults.served_source import SETTLE_LEASE_S, WORK_LEASE_S
from tests.faults.step_control import StepControl
from tests.faults.wallet import Wallet

STRIKE_S = 40.0
"""Time limit for a planned fault to be triggered."""
GOOD_END_S = 100.0
"""Time limit for the delivery; later orders are left to the last phase."""
LONGEST_FREEZE_S = 28.0
REFUSED_AFTER_S: dict[Way, float] = {"x402 v2": 21.5, "x402 v1": 21.5, "mpp": 18.5}
"""How long after it was signed a payment is refused for its time (35 s and 25 s of life, less the rails' margins)."""
_EVERY_STEP = (Effect.ERROR, Effect.HANG, Effect.LOST, Effect.FREEZE, Effect.KILL)
_SETTLING = (Step.SETTLE, Step.BROADCAST, Step.RECEIPT, Step.SETTLED)
_FREEZES = (
    *(Effect.FREEZE, Effect.FREEZE_LATE, Effect.FREEZE_REFUSED),
    *(Effect.FREEZE_RUNNER, Effect.FREEZE_HOST),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one step, for a payment by one way."""

    way: Way
    step: Step
    effect: Effect
    lie: Lie | None = None

    def __str__(self) -> str:
        return f"{self.way}: {self.step}, {self.effect}{f': {self.lie}' if self.lie else ''}"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a case. `seconds` is from the signature to the end of the last call."""

    case: Case
    order: Order
    struck: bool
    seconds: float


def cases(way: Way, *, lies: bool = False) -> list[Case]:
    """Every case for a way to pay; with a facilitator its lies, too."""
    found = [Case(way, step, effect) for step in Step for effect in _EVERY_STEP]
    # A request that stands still before `find` is for the service one that is sent later.
    looked_up = (Step.VERIFY, Step.CLAIM, Step.RENEW, Step.WORK, Step.BEGIN_SETTLEMENT)
    for effect in (Effect.FREEZE_LATE, Effect.FREEZE_REFUSED):
        found += [Case(way, step, effect) for step in looked_up]
    writes = (Step.CLAIM, Step.RENEW, Step.BEGIN_SETTLEMENT, Step.SETTLED)
    found += [Case(way, step, Effect.LOCK) for step in writes]
    found += [Case(way, Step.BROADCAST, effect) for effect in (Effect.DOUBT_MOVED, Effect.DOUBT_UNMOVED)]
    others = (Effect.FREEZE_RUNNER, Effect.KILL_RUNNER, Effect.FREEZE_HOST)
    found += [Case(way, Step.WORK, effect) for effect in others]
    if lies:
        found += [Case(way, Step.BROADCAST, Effect.LIE, lie) for lie in SETTLE_LIES]
        found += [Case(way, Step.VERIFY, Effect.LIE, lie) for lie in VERIFY_LIES]
    return found


class StepRun:
    """Runs cases on one deployment.

    Args:
        control: carries out what stops processes; None where only the wire is disturbed.

    Attributes:
        results: of the cases that have ended.
        not_run: those for which there was no time.
    """

    def __init__(
        self,
        client: PurchaseClient,
        plans: Plans,
        control: StepControl | None,
        wallets: Sequence[Wallet],
        random: Random,
    ) -> None:
        self._client = client
        self._plans = plans
        self._control = control
        self._wallets = wallets
        self._random = random
        self.results: list[CaseResult] = []
        self.not_run: list[Case] = []

    async def run(self, chosen: Sequence[Case], at_once: int, *, minutes: float) -> None:
        """Run cases, a few at once; one whose fault did not strike is tried once more. None begins after `minutes`."""
        free, turns, ends = list(range(at_once)), asyncio.Semaphore(at_once), time.monotonic() + minutes * 60

        async def one(case: Case) -> None:
            async with turns:
                if time.monotonic() > ends:
                    self.not_run.append(case)
                    return
                buyer = free.pop()
                result = await self.case(case, buyer)
                if not result.struck:
                    result = await self.case(case, buyer)
                free.append(buyer)
            self.results.append(result)

        await asyncio.gather(*(one(case) for case in chosen))

    async def case(self, case: Case, buyer: int) -> CaseResult:
        """Buy one picture, and have the fault strike a payment for it."""
        began = time.monotonic()
        order = self._order(case, buyer)
        planned = PlannedFault(await self._sign(order), case.step, case.effect, case.lie)
        plans = [planned]
        if case.step is Step.RENEW:  # a lease is renewed only when the work takes its time
            plans.append(PlannedFault(planned.payment, Step.WORK, Effect.HANG))
        for each in plans:
            self._plans.add(each)
        try:
            first = await self._until_struck(case, planned, plans)
            if planned.struck.is_set():
                await self._after_the_fault(case, planned, first)
            # Its answer is about the payment that it carried; by now the buyer may have signed another one.
            await self._fulfil(order, first if order.payments[-1] is planned.payment else None)
        finally:
            self._let_go(planned)
            for each in plans:
                self._plans.remove(each)
        await asyncio.wait({first})
        await self._ask_for_another_picture(order)
        return CaseResult(case, order, planned.struck.is_set(), time.monotonic() - began)

    async def _until_struck(
        self, case: Case, planned: PlannedFault, plans: Sequence[PlannedFault]
    ) -> "asyncio.Task[Call]":
        """Send until the fault strikes or the picture comes; gives the latest call, which may be under way."""
        order, ends = planned.payment.order, time.monotonic() + STRIKE_S
        struck = asyncio.create_task(planned.struck.wait())
        while True:
            call = asyncio.create_task(self._client.send(planned.payment, _manner(case)))
            await asyncio.wait({struck, call}, timeout=STRIKE_S, return_when=asyncio.FIRST_COMPLETED)
            if planned.struck.is_set() or order.delivered or time.monotonic() > ends:
                struck.cancel()
                return call
            if call.done() and verdict([await call], order.buying) is Verdict.UNCHARGED:
                planned.payment.verdict = "uncharged"
                payment = await self._sign(order)
                for each in plans:
                    each.payment = payment
            await asyncio.sleep(0.5)

    def _order(self, case: Case, buyer: int) -> Order:
        buying = self._random.choice((Buying.CONTRACT, Buying.ANEW))
        if case.effect is Effect.FREEZE_REFUSED:
            buying = Buying.ANEW
        picture, output = self._random.choice(PICTURES), self._random.choice(OUTPUTS)
        return self._client.history.order(buyer, case.way, picture, output, buying)

    async def _sign(self, order: Order) -> Payment:
        while True:
            payment = await self._client.sign(order, self._wallets[order.buyer])
            if payment is not None:
                return payment
            await asyncio.sleep(0.5)

    async def _after_the_fault(self, case: Case, planned: PlannedFault, first: "asyncio.Task[Call]") -> None:
        """What the buyer, and who holds the frozen, do before the order is pursued."""
        if case.step is Step.DELIVER and case.effect is Effect.LOST:
            first.cancel()
            await asyncio.wait({first})
        if case.effect in _FREEZES:
            await self._while_frozen(case, planned)

    async def _while_frozen(self, case: Case, planned: PlannedFault) -> None:
        payment, began = planned.payment, time.monotonic()
        lease_s = SETTLE_LEASE_S if case.step in _SETTLING else WORK_LEASE_S
        if case.effect is Effect.FREEZE_LATE:
            await asyncio.sleep(payment.signed_at + REFUSED_AFTER_S[case.way] - time.time())
        with suppress(TimeoutError), self._refusing(case, payment):
            async with asyncio.timeout(LONGEST_FREEZE_S):
                await self._fulfil(payment.order, None)
        await asyncio.sleep(max(0.0, lease_s + 2 - (time.monotonic() - began)))
        self._let_go(planned)

    async def _ask_for_another_picture(self, order: Order) -> None:
        """Check that one payment buys only one picture."""
        for payment in order.payments:
            if payment.delivered:
                other = self._random.choice([each for each in PICTURES if each is not order.picture])
                await self._client.send(payment, picture=other)

    @contextmanager
    def _refusing(self, case: Case, payment: Payment) -> Iterator[None]:
        """Where the case asks for it, let the next verification of this payment fail."""
        if case.effect is not Effect.FREEZE_REFUSED:
            yield
            return
        refusal = PlannedFault(payment, Step.VERIFY, Effect.ERROR)
        self._plans.add(refusal)
        try:
            yield
        finally:
            self._plans.remove(refusal)

    def _let_go(self, planned: PlannedFault) -> None:
        if planned.frozen and self._control is not None:
            self._control.thaw(planned)

    async def _fulfil(self, order: Order, first: "asyncio.Task[Call] | None") -> None:
        """Send again, and sign anew if the responses allow it, until the picture arrives."""
        ends = time.monotonic() + GOOD_END_S
        calls = [await first] if first is not None and not first.cancelled() and not order.delivered else []
        while not order.delivered and time.monotonic() < ends:
            payment = order.payments[-1]
            calls = calls or [await self._client.send(payment)]
            match verdict(calls, order.buying):
                case Verdict.DELIVERED:
                    payment.verdict = "delivered"
                case Verdict.UNCHARGED:
                    payment.verdict = "uncharged"
                    await self._sign(order)
                case Verdict.DOUBT:
                    payment.verdict = "doubt"
                    await asyncio.sleep(min(max(calls[0].retry_after or 0, 1), 2))
            calls = []


def _manner(case: Case) -> Manner:
    return Manner.HANG_UP_IN_ANSWER if (case.step, case.effect) == (Step.DELIVER, Effect.ERROR) else Manner.PLAIN
