"""Milliseconds of what a sale and a quote ask of the database: `python -m benchmarks.storage [URL]`.

Without a URL a SQLite file in a temporary folder is used, so the figures depend on how fast its disk flushes. The
ledger flushes every commit, the counters do not; a bare commit of the same size through `sqlite3` stands beside them.
"""

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from rich.console import Console
from rich.table import Table

from payments.rail import Payment, Receipt
from storage import SqlLedger, SqlLock, SqlRateLimits, migrate

RUNS = 300
RECEIPT = Receipt(rail="x402", network="eip155:84532", transaction="0x01", payer="0x02", at=1_800_000_000)


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


async def figures(url: str) -> dict[str, Figure]:
    """What is asked of the database → what it took."""
    await migrate(url)
    ledger, counters, lock = SqlLedger(url), SqlRateLimits(url), SqlLock(url, "benchmark")

    async def sale() -> None:
        payment = Payment(
            id=token_hex(32),
            rail="x402",
            payer="0x02",
            amount=50_000,
            valid_before=1_900_000_000,
            evidence={"block": "1"},
        )
        await ledger.find(payment.id)
        claim = await ledger.claim(payment, fingerprint="f" * 64, order_digest="d" * 64, lease_s=60)
        if not (claim and await ledger.begin_settlement(claim, lease_s=60)):
            raise RuntimeError("a new payment was not free")
        await ledger.settled(payment.id, RECEIPT)

    async def locked() -> None:
        async with lock:
            pass

    work: dict[str, Callable[[], Awaitable[object]]] = {
        "sale: find, claim, begin, settled": sale,
        "look-up of an unknown payment": lambda: ledger.find("unknown"),
        "ping": ledger.ping,
        "lock and unlock": locked,
        "unpaid answer: count": lambda: counters.incr("address", 60),
        "unpaid answer: look": lambda: counters.get("address"),
    }
    took = {name: await measure(each) for name, each in work.items()}
    for part in (ledger, counters, lock):
        await part.aclose()
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


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        took = asyncio.run(figures(given[0] if given else f"sqlite:///{folder}/ledger.sqlite3"))
        bare = None if given else bare_commit(Path(folder) / "bare.sqlite3")
    table = Table(f"ms, {RUNS} runs", "median", "p95", "each of 10 at once")
    for name, figure in took.items():
        table.add_row(name, f"{figure.median:.2f}", f"{figure.p95:.2f}", f"{figure.of_ten:.2f}")
    if bare is not None:
        table.add_row("one flushed commit, bare sqlite3", f"{bare:.2f}", "", "")
    Console().print(table)


if __name__ == "__main__":
    main()
