"""Settlements are listed until they are final, rechecked by one process, and lost ones are in doubt again."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from payments.finality import RAW
from payments.ledger import State
from storage import Database, SqlLedger, SqlSettled
from storage.settled import FIRST_RECHECK_S, MAX_RECHECK_INTERVAL_S
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, taken
from tests.fakes.clock import FakeClock

RAILS = {PAYMENT.rail}
SIGNED = replace(PAYMENT, evidence={**PAYMENT.evidence, RAW: "0x76f8"})


@pytest.fixture
def database(process: Callable[[], Database]) -> Database:
    return process()


@pytest.fixture
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


@pytest.fixture
def settled(database: Database) -> SqlSettled:
    return SqlSettled(database)


async def settle(ledger: SqlLedger, name: str = PAYMENT.id) -> None:
    claim = await taken(ledger, replace(SIGNED, id=name, transaction=f"transaction of {name}"))
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert await ledger.settled(name, RECEIPT)


async def due(settled: SqlSettled, limit: int = 10) -> list[str]:
    return [entry.payment.id for entry in await settled.due(RAILS, limit)]


async def test_lists_settlements_that_are_due(ledger: SqlLedger, settled: SqlSettled, clock: FakeClock) -> None:
    await taken(ledger, replace(PAYMENT, id="claimed", transaction=None))
    settling = await taken(ledger, replace(PAYMENT, id="settling", transaction=None))
    assert await ledger.begin_settlement(settling, lease_s=LEASE_S)
    await settle(ledger)
    assert await due(settled) == []
    clock.advance(FIRST_RECHECK_S)
    assert await due(settled) == [PAYMENT.id]
    [entry] = await settled.due(RAILS, 1)
    assert (entry.state, entry.receipt, entry.payment.evidence) == (State.SETTLED, RECEIPT, SIGNED.evidence)
    assert await settled.due({"another rail"}, 10) == []


async def test_the_longest_due_comes_first(ledger: SqlLedger, settled: SqlSettled, clock: FakeClock) -> None:
    for name in ("a", "b", "c"):
        await settle(ledger, name)
        clock.advance(1)
    clock.advance(FIRST_RECHECK_S)
    assert await due(settled, 2) == ["a", "b"]


async def test_one_process_rechecks(
    ledger: SqlLedger, settled: SqlSettled, clock: FakeClock, process: Callable[[], Database]
) -> None:
    await settle(ledger)
    assert not await settled.begin_recheck(PAYMENT.id)
    clock.advance(FIRST_RECHECK_S)
    assert await settled.begin_recheck(PAYMENT.id)
    assert not await SqlSettled(process()).begin_recheck(PAYMENT.id)
    assert await due(settled) == []


@pytest.mark.parametrize(
    ("age_s", "pause_s"),
    [(10.0, FIRST_RECHECK_S), (1000.0, 1000.0), (10.0 * MAX_RECHECK_INTERVAL_S, MAX_RECHECK_INTERVAL_S)],
)
async def test_intervals_grow_with_the_settlements_age(
    ledger: SqlLedger, settled: SqlSettled, clock: FakeClock, age_s: float, pause_s: float
) -> None:
    """So a settlement that never becomes final does not delay the others."""
    await settle(ledger)
    clock.advance(age_s)
    assert await settled.begin_recheck(PAYMENT.id)
    clock.advance(pause_s - 1)
    assert await due(settled) == []
    clock.advance(1)
    assert await due(settled) == [PAYMENT.id]


async def test_final_settlements_are_not_rechecked(ledger: SqlLedger, settled: SqlSettled, clock: FakeClock) -> None:
    """Only its signed transaction is deleted."""
    await settle(ledger)
    clock.advance(FIRST_RECHECK_S)
    assert await settled.final(SIGNED)
    assert not await settled.final(SIGNED)
    assert not await settled.lost(PAYMENT.id)
    assert not await settled.begin_recheck(PAYMENT.id)
    clock.advance(MAX_RECHECK_INTERVAL_S)
    assert await due(settled) == []
    entry = await ledger.find(PAYMENT.id)
    assert entry
    assert (entry.state, entry.receipt, entry.payment.evidence) == (State.SETTLED, RECEIPT, PAYMENT.evidence)


async def test_a_lost_settlement_is_in_doubt_immediately(ledger: SqlLedger, settled: SqlSettled) -> None:
    await settle(ledger)
    assert await ledger.count_delivery(PAYMENT.id, at_most=5, not_after_s=60)
    assert await settled.lost(PAYMENT.id)
    assert not await settled.lost(PAYMENT.id)
    [entry] = await ledger.in_doubt(RAILS, 10)
    assert (entry.payment.id, entry.state, entry.receipt, entry.deliveries) == (PAYMENT.id, State.SETTLING, None, 1)
    assert entry.payment.evidence == SIGNED.evidence


async def test_a_lost_settlement_may_settle_again(ledger: SqlLedger, settled: SqlSettled, clock: FakeClock) -> None:
    """Its re-deliveries are still counted."""
    await settle(ledger)
    assert await ledger.count_delivery(PAYMENT.id, at_most=1, not_after_s=60)
    assert await settled.lost(PAYMENT.id)
    assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S)
    assert await ledger.settled(PAYMENT.id, RECEIPT)
    assert not await ledger.count_delivery(PAYMENT.id, at_most=1, not_after_s=60)
    clock.advance(FIRST_RECHECK_S)
    assert await due(settled) == [PAYMENT.id]


@pytest.mark.parametrize("state", [State.CLAIMED, State.SETTLING])
async def test_only_settled_payments_become_final_or_lost(ledger: SqlLedger, settled: SqlSettled, state: State) -> None:
    claim = await taken(ledger)
    if state is State.SETTLING:
        assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert not await settled.final(PAYMENT)
    assert not await settled.lost(PAYMENT.id)
    assert not await settled.begin_recheck(PAYMENT.id)
    entry = await ledger.find(PAYMENT.id)
    assert entry
    assert entry.state is state


async def test_uses_an_index(url: str) -> None:
    """Final rows, which are nearly all, cost nothing."""
    explain = "EXPLAIN QUERY PLAN" if url.startswith("sqlite") else "EXPLAIN"
    async with Database(url) as database:
        if not url.startswith("sqlite"):
            await database.run(text("ALTER DATABASE " + url.rpartition("/")[2] + " SET enable_seqscan = off"))
    async with Database(url) as database:
        query = "SELECT id FROM payments WHERE state = 'settled' AND final_at IS NULL AND recheck_at <= 1"
        plan = await database.rows(text(" ".join([explain, query, "ORDER BY recheck_at LIMIT 10"])))
    assert "ix_payments_not_final" in str(plan)
