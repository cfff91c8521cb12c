"""Bad weather for SQLite, which has no wire: somebody else who writes to the file, and takes his time."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from random import Random

_PAUSE_S = (3.0, 15.0)
_SHORT_S = (0.1, 2.0)
_LONG_S = (5.5, 8.0)  # longer than the ledger waits


async def keep_locking(path: Path, random: Random, tally: Counter[str]) -> None:
    """Hold the write lock of a database now and then, until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*_PAUSE_S))
        long = random.random() < 0.2
        if await _hold(path, random.uniform(*(_LONG_S if long else _SHORT_S))):
            tally[f"database: {'long' if long else 'short'} lock"] += 1


async def _hold(path: Path, seconds: float) -> bool:
    with (
        closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection,
        suppress(sqlite3.OperationalError),  # somebody is writing: no lock this time
    ):
        connection.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        connection.execute("ROLLBACK")
        return True
    return False
