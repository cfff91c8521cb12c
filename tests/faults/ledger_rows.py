"""The service's ledger, read by SQL for comparison only: the campaign takes no counts from it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # ships no types

from tests.faults.history import History
from tests.faults.journal import short_id

Rows = list[tuple[str, str]]
"""Payment id and state ("claimed", "settling", "settled")."""
ReadRows = Callable[[], Awaitable[Rows]]
_QUERY = "SELECT id, state FROM payments"


def sqlite_rows(path: Path) -> ReadRows:
    """Reads a SQLite file."""

    def read() -> Rows:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return [(str(id), str(state)) for id, state in connection.execute(_QUERY)]

    return lambda: asyncio.to_thread(read)


def postgres_rows(url: str) -> ReadRows:
    """Reads a PostgreSQL database, not through the proxy."""

    async def read() -> Rows:
        connection = await asyncpg.connect(url)
        try:
            return [(row["id"], row["state"]) for row in await connection.fetch(_QUERY)]
        finally:
            await connection.close()

    return read


def orphans(rows: Rows) -> list[str]:
    """Payments that are unfinished in the ledger."""
    return [f"{id}: {state}" for id, state in rows if state != "settled"]


def differences(rows: Rows, history: History) -> list[str]:
    """The differences between ledger and chain, one sentence each."""
    states = {short_id(id): state for id, state in rows}
    known = {payment.ledger_id: payment for payment in history.payments}
    found = [f"{id}: {state} in the ledger, and nobody signed it" for id, state in states.items() if id not in known]
    for id, payment in known.items():
        state = states.get(id, "unknown")
        if (state == "settled") != payment.moved:
            found.append(f"payment {payment.number}: {state} in the ledger, {'moved' if payment.moved else 'unmoved'}")
    return found
