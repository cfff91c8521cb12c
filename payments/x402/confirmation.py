"""Confirms settlements: after a facilitator's answer the chain is asked, and the chain decides.

The chain shows the use of a payment's authorization: payer, nonce, and a transfer of the amount to us (chain.py). It
does not show which service it was for: the same authorization can be sent to two services of one seller. So a transfer
pays for an image here if this ledger sent it, and for nothing if another sender provably did (`PaymentSpentElsewhere`).
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
"""Chain or ledger do not respond."""
POLL_S = 1.0
REMEMBERED = 10_000
"""Payments for which this process remembers that it has called the facilitator."""
SEARCHES = 10
"""Searches for the use of a payment that this ledger does not know, of 500 blocks each."""

_ELSEWHERE = (
    "This payment has paid this seller, but not for this request: another service or ledger settled it."
    " Do not pay again; ask the operator."
)
_LONG_AGO = (
    "This payment was used on the chain long ago and may have paid this seller. Ask the operator before you pay."
)


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a facilitator.

    Attributes:
        before: the newest block before the call, if no earlier call can have settled the payment; else None.
    """

    answer: SettleAnswer
    before: int | None = None


class Confirmation:
    """Asks the chain for the outcome of payments, and determines whether this ledger sent the transaction.

    Args:
        doubt_s: how long `settle` waits for the chain to show the outcome.
    """

    def __init__(self, witnesses: Witnesses, facilitator: Facilitator, *, doubt_s: float) -> None:
        self._witnesses = witnesses
        self._facilitator = facilitator
        self._doubt_s = doubt_s
        self._called: LRUCache[str, bool] = LRUCache(REMEMBERED)

    async def settle(
        self, payment: Payment, call: Callable[[], Awaitable[SettleAnswer]], *, limit: float, first: bool
    ) -> str:
        """Settle a payment by `call`. Returns the hash of the transaction that paid us.

        A call without a clear answer is repeated until the chain shows an outcome; an authorization can be used once.
        `limit`: event-loop time after which `call` is not called. `first`: this ledger has not begun to settle this
        payment before.

        Raises:
            PaymentRejected: the chain proves that no money moved, and this service can no longer move it.
            PaymentSpentElsewhere: another sender's transaction used the payment.
            PaymentOutcomeUnknown: every other outcome.
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
        """The outcome of a payment that this ledger began to settle.

        Raises:
            PaymentSpentElsewhere: another sender's transaction used the payment.
            RailUnavailable, LedgerUnavailable: the outcome cannot be determined.
        """
        outcome = await self.outcome(payment)
        transaction = outcome.status.transaction
        if transaction and await self._facilitator.sent(payment.id, transaction) is False:
            raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
        return outcome

    async def outcome(self, payment: Payment) -> Outcome:
        """The outcome of a payment, by any sender's transaction."""
        return await self._witnesses.outcome(
            payment, progress=lambda node: self._facilitator.progress(payment.id, node)
        )

    async def refuse_if_spent(self, payment: Payment) -> None:
        """Refuse a payment that this ledger does not know, if the chain shows it as used.

        Raises:
            PaymentSpentElsewhere: its authorization was used, and paid us or may have.
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
            if await self._was_sent_by_others(payment, status.transaction, made):
                raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
            return status.transaction
        if status.refusal is not None:
            raise refuse(status.refusal)
        if outcome.is_final and not _says_used(made.answer):
            # No transaction is in flight, so waiting is pointless. The next request finds that no money moved.
            raise made.answer.refusal or PaymentOutcomeUnknown()
        return None

    async def _was_sent_by_others(self, payment: Payment, transaction: str, made: _Call) -> bool:
        """With our own key, the outbox shows whether it was ours. With a facilitator service, the transaction counts as
        ours unless it was mined before our only call.

        The service's answer "used already" or "transaction failed" proves nothing: our call may have reached it twice,
        or it may have retried on its own.
        """
        sent = await self._facilitator.sent(payment.id, transaction)
        if sent is not None:
            return not sent
        return made.before is not None and await self._witnesses.block_of(transaction) <= made.before

    async def _newest_block(self) -> int | None:
        """None if it is not needed, because the outbox shows what is ours, or if the chain does not respond."""
        if not self._facilitator.is_service:
            return None
        try:
            return await self._witnesses.newest()
        except RailUnavailable:
            return None


async def _once_more(call: Callable[[], Awaitable[SettleAnswer]], before: SettleAnswer, deadline: float) -> _Call:
    """Another call, cancelled at `deadline` (event-loop time). After it, the chain is asked in any case."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            return _Call(await call())
    return _Call(before)


def _says_used(answer: SettleAnswer) -> bool:
    """Whether the answer is "used already". It is not a refusal, because this ledger may have used it."""
    return answer.refusal is not None and answer.refusal.reason == refusals.NONCE_USED


async def _in_flight(node: JsonRpc) -> InFlight | FinalAt:
    return InFlight()
