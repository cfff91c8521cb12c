"""Payments a second that the ledger takes on PostgreSQL: `python -m benchmarks.ledger [PROCESSES] [SALES]`.

Each of the processes (2, as API workers of two hosts) opens the ledger as a worker does and makes 40 sales at a time:
find, claim, begin_settlement and settled, each a statement of its own. PostgreSQL is started for it and flushes to
the disk, as by default. Beside payments a second stand the CPU milliseconds of a payment, of our processes and the
server's.
Level: 500 payments a second on two cores that nobody else uses.
"""

import asyncio
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
from rich.console import Console

from benchmarks.storage import sell
from storage import Database, SqlLedger, migrate
from tests.fakes.postgres import binaries, postgres_server

AT_ONCE = 40
PROCESSES, SALES = 2, 4000


def work(url: str, sales: int, begins_at: float) -> tuple[float, float, float]:
    """Sell in this process: unix seconds of begin and end, and CPU seconds."""
    return asyncio.run(_work(url, sales, begins_at))


async def _work(url: str, sales: int, begins_at: float) -> tuple[float, float, float]:
    async with Database(url) as database:
        ledger, left = SqlLedger(database), iter(range(sales))
        await asyncio.gather(*(sell(ledger) for _ in range(AT_ONCE)))  # opens the connections

        async def seller() -> None:
            for _ in left:
                await sell(ledger)

        await asyncio.sleep(begins_at - time.time())
        began, cpu = time.time(), time.process_time()
        await asyncio.gather(*(seller() for _ in range(AT_ONCE)))
        return began, time.time(), time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    programs = binaries()
    if programs is None:
        sys.exit("PostgreSQL's server is not installed (Debian: postgresql).")
    processes, sales = [int(each) for each in sys.argv[1:]] or (PROCESSES, SALES)
    with postgres_server(programs, flushes=True) as server:
        url = server.new_database()
        asyncio.run(migrate(url))
        before = _server_cpu()
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            begins_at = time.time() + 8  # when all have imported the ledger
            found = [pool.submit(work, url, sales // processes, begins_at) for _ in range(processes)]
            runs = [each.result() for each in found]
        server_cpu = _server_cpu() - before
    seconds = max(ended for _, ended, _ in runs) - min(began for began, _, _ in runs)
    ours = sum(cpu for _, _, cpu in runs)
    Console().print(
        f"{sales} payments by {processes} processes in {seconds:.1f} s: {sales / seconds:.0f} a second; "
        f"CPU ms of a payment: ours {1000 * ours / sales:.2f}, PostgreSQL's {1000 * server_cpu / sales:.2f}"
    )


def _server_cpu() -> float:
    """CPU seconds of our PostgreSQL, those of its ended connections included."""
    children = psutil.Process().children(recursive=True)
    times = [each.cpu_times() for each in children if each.name() == "postgres"]
    return max(sum(each[:4]) for each in times)  # the postmaster's own, and of the children that it has reaped


if __name__ == "__main__":
    main()
