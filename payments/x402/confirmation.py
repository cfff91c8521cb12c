"""Confirms settlements: what a facilitator answers is a reason to ask the chain, and the chain decides.

The chain shows a payment by its authorization: on our network and token, by this payer and nonce, a transfer of the
amount to us (chain.py). It does not show for whom: the same authorization can be handed to two services of one
seller. So a transfer pays for a picture here when we sent it, and for nothing when it is proven that somebody else
sent it (`PaymentSpentElsewhere`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from errors import LedgerUnavailable, PaymentOutcomeUnknown, PaymentSpentElsewhere, RailUnavailable
from payments.evm.question import JsonRpc
from payments.rail import Payment
from payments.x402 import refusals
from payments.x402.chain import UseNotFound
from payments.x402.facilitator import Facilitator, FinalAt, InFlight, SettleAnswer
from payments.x402.refusals import refuse
from payments.x402.witnesses import Outcome, Witnesses

OUTAGES = (RailUnavailable, LedgerUnavailable)
"""Chain or ledger give no answer."""
POLL_S = 1.0
REMEMBERED = 10_000
"""Payments of which this process knows that it has called the facilitator for them."""
SEARCHES = 10
"""Searches for the use of a payment that this ledger does not know; each goes 500 blocks further back."""

_ELSEWHERE = (
    "This payment has paid this seller, but not for this request: another service or another ledger settled it."
    " Do not pay again; ask the operator."
)
_LONG_AGO = (
    "This payment was used on the chain long ago and may have paid this seller. Ask the operator before you pay."
)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a facilitator, as evidence.

    Attributes:
        before: the newest block when it was made, where no earlier call can have moved the payment; None where one can
            have, or nobody knows.
    """

    answer: SettleAnswer
    before: int | None = None


class Confirmation:
    """Asks the chain what became of payments, and whose transaction it was.

    Args:
        doubt_s: how long `settle` waits for the chain to show what became of a payment.
    """

    def __init__(self, witnesses: Witnesses, facilitator: Facilitator, *, doubt_s: float) -> None:
        self._witnesses = witnesses
        self._facilitator = facilitator
        self._doubt_s = doubt_s
        self._called: LRUCache[str, bool] = LRUCache(REMEMBERED)

    async def settle(
        self, payment: Payment, call: Callable[[], Awaitable[SettleAnswer]], *, limit: float, first: bool
    ) -> str:
        """Have a payment settled by `call`; the hash of the transaction that paid us.

        A call without a clear answer is repeated while the chain shows nothing: one authorization moves once.
        `limit` is the event loop's time after which nothing is called any more. `first` tells that this ledger began
        no settlement of this payment before.

        Raises:
            PaymentRejected: the chain proves that nothing moved and nothing of ours can still move it.
            PaymentSpentElsewhere: it moved by another sender's transaction.
            PaymentOutcomeUnknown: anything else.
        """
        only = first and payment.id not in self._called
        before = await self._newest_block() if only else None
        self._called[payment.id] = True
        made = _Call(await call(), before)
        if made.answer.is_confirmed and made.answer.transaction and not self._witnesses.several:
            return made.answer.transaction
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._doubt_s
        while True:
            with suppress(*OUTAGES):
                transaction = await self._confirmed(payment, made)
                if transaction is not None:
                    return transaction
            if clock() >= deadline:
                raise PaymentOutcomeUnknown()
            await asyncio.sleep(POLL_S)
            if made.answer.is_unclear and clock() < limit:
                made = await _once_more(call, made.answer, deadline)

    async def our_outcome(self, payment: Payment) -> Outcome:
        """What became of a payment that this ledger began to settle.

        Raises:
            PaymentSpentElsewhere: it moved by another sender's transaction.
            RailUnavailable, LedgerUnavailable: the outcome cannot be determined.
        """
        outcome = await self.outcome(payment)
        transaction = outcome.status.transaction
        if transaction and await self._facilitator.sent(payment.id, transaction) is False:
            raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
        return outcome

    async def outcome(self, payment: Payment) -> Outcome:
        """The same without asking whose transaction it was."""
        return await self._witnesses.outcome(
            payment, progress=lambda node: self._facilitator.progress(payment.id, node)
        )

    async def refuse_if_spent(self, payment: Payment) -> None:
        """Refuse a payment that this ledger has no record of where the chain knows it as used.

        Raises:
            PaymentSpentElsewhere: its authorization was used, and that paid us or may have.
            PaymentRejected: it was used or cancelled without paying us.
            RailUnavailable: the outcome cannot be determined.
        """
        try:
            outcome = await self._witnesses.outcome(payment, progress=_in_flight, searches=SEARCHES)
        except UseNotFound:
            raise PaymentSpentElsewhere(_LONG_AGO, paid_us=True) from None
        if outcome.status.transaction is not None:
            raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
        if outcome.status.refusal == refusals.NONCE_USED:
            raise refuse(refusals.NONCE_USED)

    async def _confirmed(self, payment: Payment, made: _Call) -> str | None:
        outcome = await self.outcome(payment)
        status = outcome.status
        if status.transaction is not None:
            if await self._is_somebody_elses(payment, status.transaction, made):
                raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
            return status.transaction
        if status.refusal is not None:
            raise refuse(status.refusal)
        if outcome.is_final and not _says_used(made.answer):
            # No transaction of ours is in flight: waiting is pointless. The next request learns that nothing moved.
            raise made.answer.refusal or PaymentOutcomeUnknown()
        return None

    async def _is_somebody_elses(self, payment: Payment, transaction: str, made: _Call) -> bool:
        """With our own key the outbox knows. With a service the ledger's row stands for the settlement, unless the
        money had moved before our only call was made.

        That the service calls the payment used, or that its transaction failed, proves nothing: our call may have
        reached it twice, or it may have tried again by itself.
        """
        sent = await self._facilitator.sent(payment.id, transaction)
        if sent is not None:
            return not sent
        return made.before is not None and await self._witnesses.block_of(transaction) <= made.before

    async def _newest_block(self) -> int | None:
        """None where it is not needed, because the outbox knows what is ours, and where the chain does not answer."""
        if not self._facilitator.is_service:
            return None
        try:
            return await self._witnesses.newest()
        except RailUnavailable:
            return None


async def _once_more(call: Callable[[], Awaitable[SettleAnswer]], before: SettleAnswer, deadline: float) -> _Call:
    """Another call, cut off at `deadline` (the event loop's time): however it ends, the chain is asked again."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            return _Call(await call())
    return _Call(before)


def _says_used(answer: SettleAnswer) -> bool:
    """ "Used already" is not a refusal: the one who used it may have been us."""
    return answer.refusal is not None and answer.refusal.reason == refusals.NONCE_USED


async def _in_flight(node: JsonRpc) -> InFlight | FinalAt:
    return InFlight()
