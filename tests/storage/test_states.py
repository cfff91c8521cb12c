"""The ledger counted by state, and the age of the oldest payment in each, on both databases."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from payments.ledger_watch import STATES, count
from storage import Database, SqlLedger, SqlSettled, SqlStates
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, taken
from tests.fakes.clock import FakeClock

Counted = dict[str, tuple[object, object]]


@pytest.fixture
def database(process: Callable[[], Database]) -> Database:
    return process()


async def counted(database: Database) -> Counted:
    """Number of payments and age of the oldest, by state."""
    await count(SqlStates(database))
    names = ("clearcanvas_ledger_payments", "clearcanvas_ledger_oldest_seconds")
    return {
        state: (
            REGISTRY.get_sample_value(names[0], {"state": state}),
            REGISTRY.get_sample_value(names[1], {"state": state}),
        )
        for state in STATES
    }


async def test_each_payment_is_in_one_state_until_it_is_final(database: Database, clock: FakeClock) -> None:
    ledger, settled = SqlLedger(database), SqlSettled(database)
    nothing = dict.fromkeys(STATES, (0, 0))
    assert await counted(database) == nothing
    claim = await taken(ledger, PAYMENT)
    assert await counted(database) == nothing | {"claimed": (1, 0)}
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    clock.advance(LEASE_S - 1)
    assert await counted(database) == nothing | {"settling": (1, pytest.approx(LEASE_S - 1))}
    clock.advance(31)
    assert await counted(database) == nothing | {"in_doubt": (1, pytest.approx(LEASE_S + 30))}
    assert await ledger.settled(PAYMENT.id, RECEIPT)
    clock.advance(7)
    assert await counted(database) == nothing | {"not_final": (1, pytest.approx(7))}
    assert await settled.final(PAYMENT)
    assert await counted(database) == nothing


async def test_an_unsuccessful_resolution_does_not_reset_the_age(database: Database, clock: FakeClock) -> None:
    ledger = SqlLedger(database)
    claim = await taken(ledger, PAYMENT)
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    for _ in range(3):
        clock.advance(2 * LEASE_S)
        looking = await ledger.take_over(PAYMENT.id, lease_s=LEASE_S)
        assert looking
        await ledger.mark_unresolved(looking)
    assert (await counted(database))["in_doubt"] == (1, pytest.approx(6 * LEASE_S))


async def test_a_settlement_that_the_chain_dropped_is_in_doubt_from_then_on(
    database: Database, clock: FakeClock
) -> None:
    ledger, settled = SqlLedger(database), SqlSettled(database)
    assert await ledger.begin_settlement(await taken(ledger, PAYMENT), lease_s=LEASE_S)
    assert await ledger.settled(PAYMENT.id, RECEIPT)
    clock.advance(100)
    assert await settled.lost(PAYMENT.id)
    clock.advance(5)
    assert (await counted(database))["in_doubt"] == (1, pytest.approx(5))


async def test_the_oldest_of_several_counts_and_abandoned_claims_do_not(database: Database, clock: FakeClock) -> None:
    ledger = SqlLedger(database)
    for name in ("a", "b"):
        claim = await taken(ledger, replace(PAYMENT, id=name, transaction=None))
        assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
        clock.advance(10)
    await ledger.release(await taken(ledger, replace(PAYMENT, id="c", transaction=None)))
    found = await counted(database)
    assert found["settling"] == (2, pytest.approx(20))
    assert found["claimed"] == (0, 0)
