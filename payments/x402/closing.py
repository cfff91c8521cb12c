"""How a settlement ends: what a facilitator says is a reason to look, what the chain shows is the end.

The chain shows a payment by its authorization: on our network and token, by this payer and nonce, a transfer of the
amount to us (chain.py). It does not show for whom: the same authorization can be handed to two services of one
seller. So a transfer pays for a picture here when it is ours, and for nothing when it is proven to be somebody
else's (`PaymentSpentElsewhere`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from cachetools import LRUCache

from errors import LedgerUnavailable, PaymentOutcomeUnknown, PaymentSpentElsewhere, RailUnavailable
from payments.rail import Payment
from payments.x402 import refusals
from payments.x402.chain import AuthorizationStatus, UseNotFound
from payments.x402.facilitator import Facilitator, Word
from payments.x402.refusals import refuse
from payments.x402.rpc import Rpc
from payments.x402.witnesses import Witnesses

NO_ANSWER = (RailUnavailable, LedgerUnavailable)
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
        before: the newest block when it was made, where no earlier call can have moved the payment; None: one can have,
            or nobody knows.
    """

    word: Word
    before: int | None = None


class Closing:
    """Asks the chain what became of payments, and whose transaction it was.

    Args:
        doubt_s: how long `settle` waits for the chain to show what became of a payment.
    """

    def __init__(self, witnesses: Witnesses, facilitator: Facilitator, *, doubt_s: float) -> None:
        self._witnesses = witnesses
        self._facilitator = facilitator
        self._doubt_s = doubt_s
        self._called: LRUCache[str, bool] = LRUCache(REMEMBERED)

    async def settle(self, payment: Payment, call: Callable[[], Awaitable[Word]], *, limit: float, first: bool) -> str:
        """Have a payment settled by `call`; the hash of the transaction that paid us.

        A call without a clear answer is repeated while the chain shows nothing: one authorization moves once.
        `limit` is the event loop's time after which nothing is called any more. `first` tells that this ledger began
        no settlement of this payment before.

        Raises:
            PaymentRejected: the chain proves that nothing moved and nothing of ours can still move it.
            PaymentSpentElsewhere: it moved, by somebody else's transaction.
            PaymentOutcomeUnknown: anything else.
        """
        only = first and payment.id not in self._called
        before = await self._newest_block() if only else None
        self._called[payment.id] = True
        made = _Call(await call(), before)
        if made.word.shown and made.word.transaction and not self._witnesses.several:
            return made.word.transaction
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._doubt_s
        while True:
            with suppress(*NO_ANSWER):
                transaction = await self._look(payment, made)
                if transaction is not None:
                    return transaction
            if clock() >= deadline:
                raise PaymentOutcomeUnknown()
            await asyncio.sleep(POLL_S)
            if made.word.repeat and clock() < limit:
                made = await _once_more(call, made.word, deadline)

    async def find(self, payment: Payment) -> tuple[AuthorizationStatus, bool]:
        """What became of a payment that this ledger began to settle, and whether no transaction of ours can change it.

        Raises:
            PaymentSpentElsewhere: it moved, by somebody else's transaction.
            RailUnavailable, LedgerUnavailable: nobody can tell.
        """
        fate, over = await self.fate(payment)
        if fate.transaction and await self._facilitator.sent(payment.id, fate.transaction) is False:
            raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
        return fate, over

    async def fate(self, payment: Payment) -> tuple[AuthorizationStatus, bool]:
        """The same without asking whose transaction it was."""
        return await self._witnesses.fate(
            payment, done_by=lambda node: self._facilitator.done_by(payment.id, node=node)
        )

    async def refuse_if_spent(self, payment: Payment) -> None:
        """Judge a payment that this ledger has no record of.

        Raises:
            PaymentSpentElsewhere: its authorization was used, and that paid us or may have.
            PaymentRejected: it was used or cancelled without paying us.
            RailUnavailable: nobody can tell.
        """
        try:
            fate, _ = await self._witnesses.fate(payment, done_by=_never, searches=SEARCHES)
        except UseNotFound:
            raise PaymentSpentElsewhere(_LONG_AGO, paid_us=True) from None
        if fate.transaction is not None:
            raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
        if fate.refusal == refusals.NONCE_USED:
            raise refuse(refusals.NONCE_USED)

    async def _look(self, payment: Payment, made: _Call) -> str | None:
        fate, over = await self.fate(payment)
        if fate.transaction is not None:
            if await self._is_somebody_elses(payment, fate.transaction, made):
                raise PaymentSpentElsewhere(_ELSEWHERE, paid_us=True)
            return fate.transaction
        if fate.refusal is not None:
            raise refuse(fate.refusal)
        if over and not _says_used(made.word):
            # Nothing of ours is under way: waiting shows no more. Whoever asks next learns that nothing moved.
            raise made.word.refusal or PaymentOutcomeUnknown()
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


async def _once_more(call: Callable[[], Awaitable[Word]], before: Word, deadline: float) -> _Call:
    """Another call, cut off at `deadline` (the event loop's time): however it ends, the chain is looked at again."""
    with suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            return _Call(await call())
    return _Call(before)


def _says_used(word: Word) -> bool:
    """ "Used already" is not a refusal: the one who used it may have been us."""
    return word.refusal is not None and word.refusal.reason == refusals.NONCE_USED


async def _never(node: Rpc) -> int | None:
    return None
