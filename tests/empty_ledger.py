"""Empty ledgers, copied from one that was migrated once per process: a copy costs a twentieth of a migration."""

import asyncio
import sqlite3
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import storage


def empty_ledger(file: Path) -> str:
    """URL of a SQLite file as `storage.migrate` leaves it, with an identity and a time of making of its own."""
    file.write_bytes(_template())
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = OFF")  # nothing here has to survive the machine
    with connection:
        connection.execute("UPDATE ledger SET id = ?, made_at = ?", (str(uuid.uuid4()), time.time()))
    connection.close()
    return f"sqlite:///{file}"


@cache
def _template() -> bytes:
    with TemporaryDirectory(prefix="ledger-") as folder, ThreadPoolExecutor(1) as outside_of_any_loop:
        file = Path(folder) / "ledger.sqlite3"
        outside_of_any_loop.submit(asyncio.run, storage.migrate(f"sqlite:///{file}")).result()
        return file.read_bytes()
