"""Milliseconds of what a sale and a quote ask of the database: `python -m benchmarks.storage [URL]`.

Without a URL a SQLite file in a temporary folder is used, so the figures depend on how fast its disk flushes. The
ledger flushes every commit, the counters do not; a bare commit of the same size through `sqlite3` stands beside them.

A second table shows a busy process: sellers and askers at the same time, once over the one database that they share
in service, and once over a database of its own for each part, as it was before.
"""

import asyncio
import itertools
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from rich.console import Console
from rich.table import Table

from errors import LedgerUnavailable
from payments import Hold, Payment, Receipt, Sent
from storage import Database, SqlLedger, SqlLock, SqlOutbox, SqlRateLimits, migrate

RUNS = 300
SELLERS, SALES, ASKERS = 10, 100, 10
RECEIPT = Receipt(rail="x402", network="eip155:84532", transaction="0x01", payer="0x02", at=1_800_000_000)
SENT = Sent(
    chain_id=84532,
    sender="0x03",
    nonce=0,
    reference="",
    hash="0x71",
    raw=b"\x02" * 300,
    to="0x04",
    data="0x" + "a9" * 300,
    max_fee=10**9,
    max_tip=10**6,
    attempt=1,
    sent_at=1_800_000_000.0,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Milliseconds of one after the other: median and 95th percentile; and of each when ten are under way at once."""

    median: float
    p95: float
    of_ten: float


async def measure(work: Callable[[], Awaitable[object]]) -> Figure:
    """Run the work often, alone and beside nine others."""
    await work()
    alone = sorted([await _milliseconds(work) for _ in range(RUNS)])

    async def ten() -> None:
        await asyncio.gather(*(work() for _ in range(10)))

    together = statistics.median([await _milliseconds(ten) for _ in range(RUNS // 10)]) / 10
    return Figure(statistics.median(alone), alone[int(RUNS * 0.95)], together)


async def _milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - start)


def new_payment() -> Payment:
    """One that nobody has seen, of a payer of its own."""
    return Payment(
        id=token_hex(32),
        rail="x402",
        payer=token_hex(20),
        amount=50_000,
        valid_before=1_900_000_000,
        evidence={"block": "1"},
    )


async def sell(ledger: SqlLedger, between: Callable[[Payment, Hold], Awaitable[None]] | None = None) -> None:
    """The statements of one sale; `between` begin and end of its settlement."""
    payment = new_payment()
    await ledger.find(payment.id)
    claim = await ledger.claim(payment, seen=None, fingerprint="f" * 64, order_digest="d" * 64, lease_s=60)
    if claim is None or not await ledger.begin_settlement(claim, lease_s=60):
        raise RuntimeError("a new payment was not free")
    if between is not None:
        await between(payment, Hold(claim.holder))
    await ledger.settled(payment.id, RECEIPT)


async def figures(url: str) -> dict[str, Figure]:
    """What is asked of the database → what it took."""
    async with Database(url) as database:
        return await _figures(SqlLedger(database), SqlRateLimits(database), SqlLock(database, "benchmark"))


async def _figures(ledger: SqlLedger, counters: SqlRateLimits, lock: SqlLock) -> dict[str, Figure]:
    async def locked() -> None:
        async with lock:
            pass

    work: dict[str, Callable[[], Awaitable[object]]] = {
        "sale: find, claim, begin, settled": lambda: sell(ledger),
        "look-up of an unknown payment": lambda: ledger.find("unknown"),
        "ping": ledger.ping,
        "lock and unlock": locked,
        "unpaid answer: count": lambda: counters.incr("address", 60),
        "unpaid answer: look": lambda: counters.get("address"),
    }
    return {name: await measure(each) for name, each in work.items()}


@dataclass(slots=True)
class Busy:
    """Milliseconds of each sale and of each count that was answered, and the counts that gave up."""

    sales: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    given_up: int = 0


async def busy(url: str, *, shared: bool) -> Busy:
    """SELLERS and ASKERS at the same time, over one database or over one for each part."""
    async with AsyncExitStack() as opened:
        one = await opened.enter_async_context(Database(url))

        async def database() -> Database:
            return one if shared else await opened.enter_async_context(Database(url))

        ledger, outbox = SqlLedger(await database()), SqlOutbox(await database())
        lock, counters, took = SqlLock(await database(), "busy"), SqlRateLimits(await database()), Busy()
        nonces = itertools.count(time.time_ns())

        async def broadcast(payment: Payment, hold: Hold) -> None:
            async with lock:
                await outbox.record(replace(SENT, nonce=next(nonces), reference=payment.id), hold)

        async def seller() -> None:
            for _ in range(SALES):
                took.sales.append(await _milliseconds(lambda: sell(ledger, broadcast)))

        async def asker(address: str) -> None:
            while len(took.sales) < SELLERS * SALES:
                try:
                    took.counts.append(await _milliseconds(lambda: counters.incr(address, 60)))
                except LedgerUnavailable:
                    took.given_up += 1
                await asyncio.sleep(0.02)

        await asyncio.gather(*(seller() for _ in range(SELLERS)), *(asker(f"{n}") for n in range(ASKERS)))
        return took


def bare_commit(path: Path) -> float:
    """Median milliseconds of one flushed one-row commit without any of our layers: the disk's share."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE rows (id TEXT PRIMARY KEY, text TEXT)")
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        connection.execute("INSERT INTO rows VALUES (?, ?)", (token_hex(32), "x" * 500))
        times.append(1000 * (time.perf_counter() - start))
    connection.close()
    return statistics.median(times)


async def measure_all(url: str) -> tuple[dict[str, Figure], dict[str, Busy]]:
    """Both tables' figures."""
    await migrate(url)
    took = await figures(url)
    apart, shared = await busy(url, shared=False), await busy(url, shared=True)
    return took, {"a database for each part": apart, "one database": shared}


def busy_table(took: dict[str, Busy]) -> Table:
    """Percentiles of a busy process."""
    table = Table(f"ms, {SELLERS} sellers and {ASKERS} askers", "median", "p95", "p99", "gave up")
    for name, each in took.items():
        for what, times, given_up in (("sale", each.sales, ""), ("count", each.counts, str(each.given_up))):
            points = statistics.quantiles(times, n=100)
            table.add_row(f"{what}, {name}", *(f"{points[p - 1]:.1f}" for p in (50, 95, 99)), given_up)
    return table


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        took, load = asyncio.run(measure_all(given[0] if given else f"sqlite:///{folder}/ledger.sqlite3"))
        bare = None if given else bare_commit(Path(folder) / "bare.sqlite3")
    table = Table(f"ms, {RUNS} runs", "median", "p95", "each of 10 at once")
    for name, figure in took.items():
        table.add_row(name, f"{figure.median:.2f}", f"{figure.p95:.2f}", f"{figure.of_ten:.2f}")
    if bare is not None:
        table.add_row("one flushed commit, bare sqlite3", f"{bare:.2f}", "", "")
    Console().print(table)
    Console().print(busy_table(load))


if __name__ == "__main__":
    main()
