"""Settlements that have begun, as the gate begins them: the outbox records transactions of no other payments."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from payments.ledger import Ledger
from payments.rail import NO_HOLD, Hold, Payment, Receipt
from payments.x402.attempt import X402Attempt
from payments.x402.config import X402Config
from payments.x402.rail import X402Rail
from payments.x402.wire import X402Credential

_PAYMENT = Payment(id="", rail="x402", payer="0xpayer", amount=1, valid_before=1_900_000_000, evidence={}, funds=10**6)


class Begun:
    """Begins settlements in a ledger, on behalf of tests that use an outbox or a rail by itself."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._holds: dict[str, Hold] = {}
        self._lock = asyncio.Lock()

    async def hold(self, reference: str, payment: Payment = _PAYMENT) -> Hold:
        """The hold on the payment with this id, whose settlement is begun unless it has been."""
        async with self._lock:
            if reference not in self._holds:
                self._holds[reference] = await self._begin(replace(payment, id=reference, transaction=None))
        return self._holds[reference]

    async def end(self, reference: str) -> None:
        """The payment is SETTLED, so that its transactions may be forgotten."""
        receipt = Receipt(rail="x402", network="eip155:84532", transaction="0x99", payer="0xPayer", at=1_800_000_000)
        await self._ledger.settled(reference, receipt)

    async def _begin(self, payment: Payment) -> Hold:
        claim = await self._ledger.claim(payment, seen=None, fingerprint="print", order_digest="order", lease_s=600)
        assert claim is not None
        assert await self._ledger.begin_settlement(claim, lease_s=600)
        return Hold(claim.holder)


class BegunRail(X402Rail):
    """A rail that is called by itself, without the gate: its settlements are begun in the ledger first."""

    def __init__(self, begun: Begun, config: X402Config, **dependencies: Any) -> None:
        super().__init__(config, **dependencies)
        self._begun = begun

    def bind(self, credential: X402Credential) -> X402Attempt:
        return _BegunAttempt(credential, self._parts, self._begun)


@dataclass(frozen=True)
class _BegunAttempt(X402Attempt):
    begun: Begun = field(repr=False, compare=False)

    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        begun = await self.begun.hold(payment.id, payment)
        return await super().settle(payment, hold=replace(hold, holder=begun.holder))
