"""A seller to buy from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import storage
from payments.policy import SalePolicy
from tests.fakes.clock import FakeClock
from tests.fakes.seller import Seller


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def policy() -> SalePolicy:
    return SalePolicy()


@pytest.fixture
def recent_bytes() -> int:
    return 0


@pytest.fixture
async def seller(tmp_path: Path, clock: FakeClock, policy: SalePolicy, recent_bytes: int) -> AsyncIterator[Seller]:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    await storage.migrate(url)
    async with storage.Database(url, clock=clock) as database:
        seller = Seller(storage.SqlLedger(database), clock, policy=policy, recent_bytes=recent_bytes)
        yield seller
        for event in (seller.may_work, seller.rail.may_verify, seller.rail.may_settle):
            event.set()  # a failed test may have left a sale waiting
        await seller.gate.aclose()
