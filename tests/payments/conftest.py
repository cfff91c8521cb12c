"""A till to buy at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import storage
from payments.gate import Terms
from tests.fakes.clock import FakeClock
from tests.fakes.shop import Shop


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def terms() -> Terms:
    return Terms()


@pytest.fixture
def recent_bytes() -> int:
    return 0


@pytest.fixture
async def shop(tmp_path: Path, clock: FakeClock, terms: Terms, recent_bytes: int) -> AsyncIterator[Shop]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    await storage.migrate(url)
    async with storage.Database(url, clock=clock) as database:
        shop = Shop(storage.SqlLedger(database), clock, terms=terms, recent_bytes=recent_bytes)
        yield shop
        for event in (shop.may_work, shop.rail.may_verify, shop.rail.may_settle):
            event.set()  # a failed test may have left a sale waiting
        await shop.gate.aclose()
