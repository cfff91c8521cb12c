"""A ledger into which a test plants what a real one should never hold."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from payments.rail import Payment, Rail, Receipt
from payments.reconciliation import Difference, reconcile
from sandbox.chains import Chain
from storage import Database, SqlLedger
from storage.books import SqlBooks
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock

END = 2.0**40


@dataclass
class Planted:
    """A ledger, and a period that begins now by the chain's clock."""

    database: Database
    clock: FakeClock
    since: float

    async def settled(self, payment: Payment, transaction: str) -> None:
        """A row that says settled."""
        await self.settling(payment)
        receipt = Receipt(payment.rail, "eip155:1", transaction, payment.payer, 1)
        assert await SqlLedger(self.database).settled(payment.id, receipt)

    async def settling(self, payment: Payment) -> None:
        """A row over which settlement began."""
        ledger = SqlLedger(self.database)
        claim = await ledger.claim(payment, seen=None, fingerprint="print", order_digest="order", lease_s=60)
        assert claim
        assert await ledger.begin_settlement(claim, lease_s=60)

    async def differences(self, rail: Rail, since: float | None = None, until: float = END) -> list[Difference]:
        """What reconciliation finds."""
        start = self.since if since is None else since
        return await reconcile([rail], SqlBooks(self.database), since=start, until=until)

    async def found(self, rail: Rail) -> list[tuple[str, str | None, str | None]]:
        """The same, in short: kind, payment, transaction."""
        return [(each.kind, each.payment, each.transaction) for each in await self.differences(rail)]


@asynccontextmanager
async def planted(folder: Path, chain: Chain) -> AsyncIterator[Planted]:
    """An empty ledger; what other tests have moved on the chain lies before its period."""
    since = head_time(chain) + 1
    while head_time(chain) < since:
        chain.rpc.call("evm_mine")
    clock = FakeClock(since + 1)
    async with Database(empty_ledger(folder / "books.sqlite3"), clock=clock) as database:
        yield Planted(database, clock, since)


def head_time(chain: Chain) -> int:
    """Unix seconds of the latest block."""
    return int(chain.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
