"""What several processes do to one database at the same time; run by name in separate processes."""

import asyncio
import resource
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import storage
from errors import LedgerUnavailable
from tests.contracts.ledger_entries import PAYMENT, take
from tests.together import run_together, wait_for_others

T = TypeVar("T")


def race(racer: Callable[..., T], *args: object, processes: int = 2) -> list[T]:
    """Run `racer(*args)` in several fresh processes, all starting work at the same time."""
    return run_together(racer, processes, 60, *args)


def claim_often(url: str, payments: int, copies: int) -> list[int]:
    """Number of copies of each payment that this process claimed."""

    async def run() -> list[int]:
        async with storage.Database(url) as database:
            ledger = storage.SqlLedger(database)
            won = []
            for number in range(payments):
                payment = replace(PAYMENT, id=f"payment {number}", transaction=f"0x{number}")
                claims = await asyncio.gather(*(take(ledger, payment) for _ in range(copies)))
                won.append(sum(claim is not None for claim in claims))
            return won

    return _at_once(run)


def claim_until_full(url: str, room: int) -> tuple[int, int, bool]:
    """Claim payments while files may grow by `room` bytes only; then see what is left of it.

    Returns the number of granted claims, the number found afterwards, and whether claims work again with space.
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

    return _at_once(run)


def add_under_lock(url: str, path: Path, tasks: int, rounds: int) -> None:
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

    _at_once(run)


def hit_often(url: str, hits: int) -> list[int]:
    """Count hits of one address. Returns the sums."""

    async def run() -> list[int]:
        async with storage.Database(url, brief_timeout_s=10) as database:
            counters = storage.SqlRateLimits(database)
            return await asyncio.gather(*(counters.incr("address", 60) for _ in range(hits)))

    return _at_once(run)


def migrate(url: str) -> None:
    """Bring the database to the present schema."""
    _at_once(lambda: storage.migrate(url))


def migrate_and_identify(url: str) -> str:
    """Bring the database to the present schema. Returns the ledger's identity."""

    async def run() -> str:
        await storage.migrate(url)
        async with storage.Database(url) as database:
            return await database.identify()

    return _at_once(run)


def _at_once(run: Callable[[], Coroutine[Any, Any, T]]) -> T:
    wait_for_others()
    return asyncio.run(run())
