"""Leases use the database's clock at execution time, not the host's clock."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from payments.ledger import State
from payments.policy import SalePolicy
from payments.rail import Hold
from storage import Database, SqlLedger, SqlLock, SqlOutbox
from storage.engine import create_engine, parse
from tests.contracts.ledger_entries import PAYMENT, take
from tests.contracts.outbox_contract import SENT
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import PostgresServer
from tests.fakes.seller import Seller

LEASE_S = 60.0
SHORT_S = 0.3

FIVE_MINUTES = 300


async def set_ahead(url: str, seconds: int) -> None:
    """Skew a PostgreSQL database's clock with a function that is found before the real one."""
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        for statement in (
            "CREATE SCHEMA wrong",
            "CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
            f"$$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$",
            f'ALTER DATABASE "{parse(url).database}" SET search_path = wrong, pg_catalog, public',
        ):
            await connection.exec_driver_sql(statement)
    await engine.dispose()


@pytest.fixture(params=[-FIVE_MINUTES, 0, FIVE_MINUTES, "sqlite"])
async def skewed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Database, float]]:
    """A database and the seconds by which its clock is ahead of this host's. SQLite uses the host's."""
    if request.param == "sqlite":
        url, ahead = empty_ledger(tmp_path / "ledger.sqlite3"), 0
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url, ahead = server.new_ledger(), request.param
    if ahead:
        await set_ahead(url, ahead)
    async with Database(url) as database:
        yield database, ahead


async def test_a_lease_is_written_with_the_databases_clock(skewed: tuple[Database, float]) -> None:
    database, ahead = skewed
    ledger = SqlLedger(database)
    claim = await take(ledger)
    assert claim
    ends = await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert ends == pytest.approx(time.time() + ahead + LEASE_S, abs=10)
    entry = await ledger.find(PAYMENT.id)
    assert entry is not None
    assert (entry.lease_until, entry.lease_runs) == (ends, True)


async def test_an_expired_lease_holds_nothing(skewed: tuple[Database, float]) -> None:
    database, _ = skewed
    ledger = SqlLedger(database)
    claim = await ledger.claim(PAYMENT, seen=None, fingerprint="print", order_digest="order", lease_s=SHORT_S)
    assert claim
    assert await ledger.renew([claim], lease_s=SHORT_S)
    assert await take(ledger) is None
    await asyncio.sleep(SHORT_S + 0.1)
    assert not await ledger.renew([claim], lease_s=SHORT_S)
    assert await ledger.begin_settlement(claim, lease_s=SHORT_S) is None
    assert await ledger.refuse(PAYMENT.id, PAYMENT.rail)


async def test_a_payment_is_in_doubt_when_its_lease_has_expired(skewed: tuple[Database, float]) -> None:
    database, _ = skewed
    ledger = SqlLedger(database)
    claim = await take(ledger)
    assert claim
    assert await ledger.begin_settlement(claim, lease_s=SHORT_S)
    assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S) is None
    await asyncio.sleep(SHORT_S + 0.1)
    assert [entry.payment.id for entry in await ledger.in_doubt({PAYMENT.rail}, 10)] == [PAYMENT.id]
    assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S)


async def test_a_settlement_may_send_until_its_deadline_only(skewed: tuple[Database, float]) -> None:
    """The deadline that a rail gets is by the outbox's clock."""
    database, _ = skewed
    ledger, outbox = SqlLedger(database), SqlOutbox(database)
    claim = await take(ledger)
    assert claim
    ends = await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert ends is not None
    sent = replace(SENT, reference=PAYMENT.id)
    assert not await outbox.record(sent, Hold(claim.holder, not_after=ends - LEASE_S - 1))
    assert await outbox.record(sent, Hold(claim.holder, not_after=ends - LEASE_S / 3))


@pytest.mark.parametrize("host", [-FIVE_MINUTES, 0, FIVE_MINUTES])
async def test_a_sale_is_one_sale_despite_wrong_host_clocks(skewed: tuple[Database, float], host: float) -> None:
    """Two hosts, one of them with a clock that is wrong by five minutes, and a worker suspended beyond its lease."""
    database, ahead = skewed
    ledger, clock = SqlLedger(database), FakeClock(time.time() + host)
    seller = Seller(ledger, clock, policy=SalePolicy(work_lease_s=SHORT_S, settle_lease_s=5))
    right = Seller(ledger, FakeClock(time.time()), policy=seller.policy)
    right.rail = seller.rail
    right.gate = right.open()
    seller.rail.may_settle.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    assert seller.rail.hold.not_after == pytest.approx(time.time() + ahead + 5 * 2 / 3, abs=5)
    entry = await right.entry()
    assert entry is not None
    assert (entry.state, entry.lease_runs) == (State.SETTLING, True)
    seller.rail.may_settle.set()
    assert not (await sale).replayed
    assert (await right.send()).replayed
    assert seller.rail.moved == ["payment"]


async def test_the_wait_for_the_file_counts(sqlite_url: str, tmp_path: Path) -> None:
    """In time when it was called, too late when it could write: a stalled disk ends a lease too."""
    async with Database(sqlite_url) as database:
        ledger = SqlLedger(database)
        claim = await ledger.claim(PAYMENT, seen=None, fingerprint="print", order_digest="order", lease_s=0.5)
        assert claim
        with sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            beginning = asyncio.create_task(ledger.begin_settlement(claim, lease_s=LEASE_S))
            await asyncio.sleep(1)
            other.execute("ROLLBACK")
        other.close()
        assert await beginning is None


async def test_the_wait_for_the_table_counts(postgres_url: str) -> None:
    engine = create_engine(parse(postgres_url))
    async with Database(postgres_url) as database, engine.connect() as other:
        ledger = SqlLedger(database)
        claim = await ledger.claim(PAYMENT, seen=None, fingerprint="print", order_digest="order", lease_s=0.5)
        assert claim
        await other.exec_driver_sql("BEGIN")
        await other.exec_driver_sql("LOCK TABLE payments IN EXCLUSIVE MODE")
        beginning = asyncio.create_task(ledger.begin_settlement(claim, lease_s=LEASE_S))
        await asyncio.sleep(1)
        await other.exec_driver_sql("COMMIT")
        assert await beginning is None
    await engine.dispose()


async def test_a_lock_uses_the_databases_clock(skewed: tuple[Database, float]) -> None:
    database, _ = skewed
    held = SqlLock(database, "key", lease_s=SHORT_S)
    await held.__aenter__()
    async with SqlLock(database, "key", lease_s=LEASE_S, wait_s=5):
        claims = [await take(SqlLedger(database), replace(PAYMENT, id=str(n), transaction=None)) for n in range(2)]
    assert all(claims)
    await held.__aexit__(None, None, None)
