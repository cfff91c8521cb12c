"""What the operator's command line reads of the ledger, on both databases."""

from collections.abc import Callable

import pytest

from storage import Database, Earned, RecordState, SqlRecords, Wanted
from tests.fakes.clock import FakeClock
from tests.storage.planting import planted

EVERY = frozenset(RecordState)


@pytest.fixture
def database(process: Callable[[], Database]) -> Database:
    return process()


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords(database)


async def test_says_of_each_payment_where_it_stands(records: SqlRecords, database: Database, clock: FakeClock) -> None:
    for state in RecordState:
        await planted(database, state)
    found = await records.page(Wanted(states=EVERY))
    assert {record.entry.payment.id: record.state for record in found} == {each.value: each for each in RecordState}


@pytest.mark.parametrize("state", RecordState)
async def test_selects_by_state_of(
    records: SqlRecords, database: Database, clock: FakeClock, state: RecordState
) -> None:
    for each in RecordState:
        await planted(database, each)
    found = await records.page(Wanted(states=frozenset({state})))
    assert [record.entry.payment.id for record in found] == [state.value]


async def test_leaves_out_what_was_abandoned(records: SqlRecords, database: Database, clock: FakeClock) -> None:
    await planted(database, RecordState.ABANDONED)
    assert await records.page(Wanted()) == []


async def test_selects_by_period_rail_and_payer(records: SqlRecords, database: Database, clock: FakeClock) -> None:
    start = clock.now
    for name, rail, payer in (("a", "x402", "0xAA"), ("b", "mpp", "0xBB"), ("c", "x402", "0xBB")):
        await planted(database, RecordState.FINAL, name, rail=rail, payer=payer)
        clock.advance(10)

    async def ids(wanted: Wanted) -> list[str]:
        return [record.entry.payment.id for record in await records.page(wanted)]

    assert await ids(Wanted()) == ["a", "b", "c"]
    assert await ids(Wanted(since=start + 10, until=start + 20)) == ["b"]
    assert await ids(Wanted(rail="x402")) == ["a", "c"]
    assert await ids(Wanted(payer="0xbb", rail="x402")) == ["c"]


async def test_pages_neither_repeat_nor_leave_out(records: SqlRecords, database: Database, clock: FakeClock) -> None:
    """Also where many have settled at the same moment."""
    names = [await planted(database, RecordState.FINAL, f"payment {number}") for number in range(7)]
    seen, last = [], None
    while page := await records.page(Wanted(), after=last, limit=3):
        seen += [record.entry.payment.id for record in page]
        last = page[-1]
    assert seen == sorted(names)
    assert [record.entry.payment.id for record in await records.latest(Wanted(), 2)] == sorted(names)[-2:]


async def test_finds_by_id_and_by_the_receipts_transaction(
    records: SqlRecords, database: Database, clock: FakeClock
) -> None:
    await planted(database, RecordState.FINAL, "a")
    await planted(database, RecordState.FINAL, "b")
    for reference in ("a", "0xa"):
        [record] = await records.find(reference)
        assert (record.entry.payment.id, record.product) == ("a", "m")
    assert await records.find("0x") == []


async def test_sums_what_was_earned_by_day_rail_and_product(
    records: SqlRecords, database: Database, clock: FakeClock
) -> None:
    """A day ends at midnight UTC; what has not settled has earned nothing."""
    clock.now = 20_000 * 86_400.0 - 1
    await planted(database, RecordState.FINAL, "last second")
    clock.advance(1)
    await planted(database, RecordState.NOT_FINAL, "midnight")
    await planted(database, RecordState.FINAL, "again")
    await planted(database, RecordState.FINAL, "over mpp", rail="mpp")
    await planted(database, RecordState.FINAL, "another model", product="n")
    await planted(database, RecordState.IN_DOUBT)
    everything = await records.earned(0, clock.now + 1)
    assert everything == [
        Earned(19_999, "x402", "m", 1, 50_000),
        Earned(20_000, "mpp", "m", 1, 50_000),
        Earned(20_000, "x402", "m", 2, 100_000),
        Earned(20_000, "x402", "n", 1, 50_000),
    ]
    assert await records.earned(clock.now, clock.now + 1) == everything[1:]
