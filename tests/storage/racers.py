"""What several processes do to one database at the same moment; run by name in processes of their own."""

import asyncio
import resource
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import storage
from errors import LedgerUnavailable
from tests.contracts.ledger_contract import PAYMENT, take

T = TypeVar("T")


def race(racer: Callable[..., T], *args: object, processes: int = 2) -> list[T]:
    """Run `racer(start_at, *args)` in several fresh processes, all starting work at the same time."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(_warm_up, range(processes)))  # all have imported this module before the start is called
        start_at = time.time() + 0.3
        return [each.result(60) for each in [pool.submit(racer, start_at, *args) for _ in range(processes)]]


def _warm_up(_: int) -> None:
    time.sleep(0.2)  # long enough for each process to get one


def claim_often(start_at: float, url: str, payments: int, copies: int) -> list[int]:
    """How many of the copies of each payment this process won."""

    async def run() -> list[int]:
        async with storage.Database(url) as database:
            ledger = storage.SqlLedger(database)
            won = []
            for number in range(payments):
                payment = replace(PAYMENT, id=f"payment {number}", transaction=f"0x{number}")
                claims = await asyncio.gather(*(take(ledger, payment) for _ in range(copies)))
                won.append(sum(claim is not None for claim in claims))
            return won

    return _at(start_at, run)


def claim_until_full(start_at: float, url: str, room: int) -> tuple[int, int, bool]:
    """Claim payments while files may grow by `room` bytes only; then see what is left of it.

    Gives the claims that were granted, those that are found afterwards, and whether there is work again with room.
    """

    async def run() -> tuple[int, int, bool]:
        database = storage.Database(url)
        ledger = storage.SqlLedger(database)
        await ledger.ping()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        granted = 0
        with suppress(LedgerUnavailable):
            while await take(ledger, replace(PAYMENT, id=f"payment {granted}", transaction=None)):
                granted += 1
        kept = sum([await ledger.find(f"payment {number}") is not None for number in range(granted + 1)])
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        works = await take(ledger) is not None
        await database.aclose()
        return granted, kept, works

    return _at(start_at, run)


def add_under_lock(start_at: float, url: str, path: Path, tasks: int, rounds: int) -> None:
    """Add to a number in a file, reading and writing it with a pause between, under the lock."""

    def read() -> int:
        return int(path.read_text())

    def write(number: int) -> None:
        path.write_text(str(number))

    async def run() -> None:
        database = storage.Database(url)
        lock = storage.SqlLock(database, "counter", wait_s=50)

        async def add() -> None:
            for _ in range(rounds):
                async with lock:
                    number = read()
                    await asyncio.sleep(0.002)
                    write(number + 1)

        await asyncio.gather(*(add() for _ in range(tasks)))
        await database.aclose()

    _at(start_at, run)


def hit_often(start_at: float, url: str, hits: int) -> list[int]:
    """Count hits of one address; the sums that came back."""

    async def run() -> list[int]:
        async with storage.Database(url, patience_s=10) as database:
            counters = storage.SqlRateLimits(database)
            return await asyncio.gather(*(counters.incr("address", 60) for _ in range(hits)))

    return _at(start_at, run)


def migrate(start_at: float, url: str) -> None:
    """Bring the database to the present schema."""
    _at(start_at, lambda: storage.migrate(url))


def migrate_and_identify(start_at: float, url: str) -> str:
    """Bring the database to the present schema; the ledger's identity."""

    async def run() -> str:
        await storage.migrate(url)
        async with storage.Database(url) as database:
            return await database.identify()

    return _at(start_at, run)


def _at(start_at: float, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    time.sleep(max(0.0, start_at - time.time()))
    return asyncio.run(run())
