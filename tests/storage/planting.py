"""Payments in every state, as the ledger itself makes them."""

from dataclasses import replace
from typing import Any

from storage import Database, RecordState, SqlLedger, SqlSettled
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT


async def planted(
    database: Database, state: RecordState, name: str = "", *, product: str | None = "m", **changes: Any
) -> str:
    """A payment of $0.05 that stands there; its id. `changes` are to the payment."""
    ledger, settled = SqlLedger(database), SqlSettled(database)
    name = name or state.value
    plain = replace(PAYMENT, id=name, transaction=None, amount=50_000, payer=f"0xPayer {name}")
    payment = replace(plain, **changes)
    claim = await ledger.claim(
        payment, seen=None, fingerprint="print", order_digest="order", lease_s=LEASE_S, product=product
    )
    assert claim
    if state is RecordState.ABANDONED:
        assert await ledger.release(claim)
    if state in {RecordState.CLAIMED, RecordState.ABANDONED}:
        return payment.id
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    if state is RecordState.IN_DOUBT:
        await ledger.mark_unresolved(claim)
    if state in {RecordState.NOT_FINAL, RecordState.FINAL}:
        assert await ledger.settled(payment.id, replace(RECEIPT, transaction=f"0x{payment.id}"))
    if state is RecordState.FINAL:
        assert await settled.final(payment)
    return payment.id
