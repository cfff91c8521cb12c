"""The queries of reconciliation, on both databases."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from storage import Database, SqlLedger
from storage.books import CHUNK_SIZE, SqlBooks
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, taken
from tests.fakes.clock import FakeClock


@pytest.fixture
def database(process: Callable[[], Database]) -> Database:
    return process()


async def settle(database: Database, name: str, rail: str = PAYMENT.rail) -> None:
    ledger = SqlLedger(database)
    claim = await taken(ledger, replace(PAYMENT, id=name, rail=rail, transaction=f"transaction of {name}"))
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert await ledger.settled(name, RECEIPT)


async def test_a_period_includes_its_beginning_and_not_its_end(database: Database, clock: FakeClock) -> None:
    start = clock.now
    for name in ("a", "b", "c"):
        await settle(database, name)
        clock.advance(10)
    await settle(database, "other", rail="other")
    await taken(SqlLedger(database), replace(PAYMENT, id="claimed", transaction=None))
    found = await SqlBooks(database).settled_between(PAYMENT.rail, start, start + 20)
    assert sorted(entry.payment.id for entry in found) == ["a", "b"]


async def test_finds_payments_by_transaction_or_id_in_any_state(database: Database) -> None:
    await settle(database, "settled")
    await taken(SqlLedger(database), replace(PAYMENT, id="claimed", transaction=None))
    await settle(database, "other", rail="other")
    many = [f"unknown {number}" for number in range(2 * CHUNK_SIZE)]
    wanted = ["transaction of settled", *many, "claimed", "other"]
    found = await SqlBooks(database).known_by(PAYMENT.rail, wanted)
    assert sorted(entry.payment.id for entry in found) == ["claimed", "settled"]
    assert await SqlBooks(database).known_by(PAYMENT.rail, []) == []
