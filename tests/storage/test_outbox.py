"""The SQL outbox fulfils the outbox's contract on both databases, and reads the clock when it writes."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from errors import LedgerUnavailable
from payments.outbox import Outbox
from payments.rail import NO_HOLD, Hold
from storage import Database, SqlLedger, SqlOutbox
from storage.engine import create_engine, parse
from tests.begun import Begun
from tests.contracts.ledger_entries import PAYMENT, RECEIPT, take
from tests.contracts.outbox_contract import CHAIN, OURS, SENT, OutboxContract
from tests.fakes.clock import FakeClock


class TestSqlOutbox(OutboxContract):
    @pytest.fixture
    def build(self, process: Callable[[], Database]) -> Callable[[], Outbox]:
        return lambda: SqlOutbox(process())

    @pytest.fixture
    def begun(self, process: Callable[[], Database]) -> Begun:
        return Begun(SqlLedger(process()))


async def test_only_one_of_many_gets_a_nonce(process: Callable[[], Database]) -> None:
    outboxes = [SqlOutbox(process()) for _ in range(4)]
    wanted = [replace(SENT, reference=f"payment {number}") for number in range(20)]
    begun = Begun(SqlLedger(process()))
    holds = [await begun.hold(sent.reference) for sent in wanted]
    won = await asyncio.gather(
        *(
            outboxes[number % 4].record(sent, hold)
            for number, (sent, hold) in enumerate(zip(wanted, holds, strict=True))
        )
    )
    assert won.count(True) == 1
    assert await outboxes[0].since(CHAIN, OURS, 0) == [wanted[won.index(True)]]


async def test_a_clock_that_jumps_ahead_and_back_does_not_allow_a_second_send(
    process: Callable[[], Database], clock: FakeClock
) -> None:
    """Meanwhile the lease expired, another process proved that nothing was sent, and the buyer was told so."""
    ledger, elsewhere, outbox = SqlLedger(process()), SqlLedger(process()), SqlOutbox(process())
    claim = await take(ledger, replace(PAYMENT, id=SENT.reference))
    assert claim
    ends = await ledger.begin_settlement(claim, lease_s=60)
    hold = Hold(claim.holder)
    clock.advance(300)
    judge = await elsewhere.take_over(SENT.reference, lease_s=60)
    clock.advance(-300)
    assert judge
    assert ends is not None
    assert ends > clock()
    assert not await outbox.record(SENT, hold)
    assert await outbox.of(SENT.reference) == []
    assert await elsewhere.release(judge)
    assert not await outbox.record(SENT, hold)


async def test_a_take_over_waits_for_a_record_in_progress(postgres_url: str) -> None:
    """One statement reads the ledger and writes the record: a later reader of the outbox finds the record."""
    engine = create_engine(parse(postgres_url))
    async with Database(postgres_url) as database, engine.connect() as other:
        for statement in (
            "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(1); RETURN new; END $$",
            "CREATE TRIGGER slowly BEFORE INSERT ON transactions FOR EACH ROW EXECUTE FUNCTION slowly()",
        ):
            await other.exec_driver_sql(statement)
        ledger, outbox = SqlLedger(database), SqlOutbox(database)
        claim = await take(ledger, replace(PAYMENT, id=SENT.reference))
        assert claim
        assert await ledger.begin_settlement(claim, lease_s=0.1)
        recording = asyncio.create_task(outbox.record(SENT, Hold(claim.holder)))
        await asyncio.sleep(0.5)
        assert await ledger.take_over(SENT.reference, lease_s=60)
        assert await outbox.of(SENT.reference) == [SENT]
        assert await recording
    await engine.dispose()


async def test_the_wait_for_the_file_counts(sqlite_url: str, tmp_path: Path) -> None:
    """In time when it was called, too late when it could write."""
    async with Database(sqlite_url) as database:
        hold = replace(await Begun(SqlLedger(database)).hold(SENT.reference), not_after=time.time() + 0.5)
        with sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            recording = asyncio.create_task(SqlOutbox(database).record(SENT, hold))
            await asyncio.sleep(1)
            other.execute("ROLLBACK")
        other.close()
        assert not await recording


async def test_the_wait_for_the_table_counts(postgres_url: str) -> None:
    engine = create_engine(parse(postgres_url))
    async with Database(postgres_url) as database, engine.connect() as other:
        hold = replace(await Begun(SqlLedger(database)).hold(SENT.reference), not_after=time.time() + 0.5)
        await other.exec_driver_sql("BEGIN")
        await other.exec_driver_sql("LOCK TABLE transactions IN EXCLUSIVE MODE")
        recording = asyncio.create_task(SqlOutbox(database).record(SENT, hold))
        await asyncio.sleep(1)
        await other.exec_driver_sql("COMMIT")
        assert not await recording
    await engine.dispose()


async def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3") as database:
        outbox = SqlOutbox(database)
        for attempt in (outbox.record(SENT, NO_HOLD), outbox.of(SENT.reference)):
            with pytest.raises(LedgerUnavailable):
                await attempt


async def test_a_transaction_is_not_forgotten_while_its_payment_is_in_doubt(process: Callable[[], Database]) -> None:
    """At any depth: only the record proves that the transfer on the chain is ours."""
    database = process()
    ledger, outbox = SqlLedger(database), SqlOutbox(database)
    claim = await take(ledger, replace(PAYMENT, id=SENT.reference))
    assert claim
    assert await ledger.begin_settlement(claim, lease_s=60)
    assert await outbox.record(SENT, Hold(claim.holder))
    await outbox.forget(CHAIN, OURS, below=SENT.nonce + 1)
    assert await outbox.of(SENT.reference) == [SENT]
    assert await ledger.settled(SENT.reference, RECEIPT)
    await outbox.forget(CHAIN, OURS, below=SENT.nonce + 1)
    assert await outbox.of(SENT.reference) == []
