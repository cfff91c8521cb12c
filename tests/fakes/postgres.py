"""A real PostgreSQL server for tests, on a free loopback port, in a folder that goes away with it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

import pytest

import storage
from sandbox.process import ManagedProcess, choose_port

OWNER = "ledger"
_NEW_IDENTITY = "UPDATE ledger SET id = gen_random_uuid()::text, made_at = extract(epoch FROM clock_timestamp());"


def binaries() -> Path | None:
    """The folder of the newest `initdb` on this machine, if there is one. Debian keeps it out of PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def required_binaries() -> Path:
    """The same; skips the test where PostgreSQL is not installed."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed")
    return found


@dataclass
class PostgresServer:
    """A running server; everybody on this machine is its owner."""

    programs: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name};")
        return self.url(name)

    def new_ledger(self) -> str:
        """URL of a database as `storage.migrate` leaves it, with an identity and a time of making of its own.

        It is copied from one that was migrated.
        """
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self._migrated};\n\\connect {name}\n{_NEW_IDENTITY}")
        return self.url(name)

    @cached_property
    def _migrated(self) -> str:
        """A database that nobody is connected to, so that it can be copied."""
        url = self.new_database()
        with ThreadPoolExecutor(1) as outside_of_any_loop:
            outside_of_any_loop.submit(asyncio.run, storage.migrate(url)).result()
        return url.rpartition("/")[2]

    def _run(self, script: str) -> None:
        command: list[str | Path] = [self.programs / "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", self.url()]
        subprocess.run(command, input=script, text=True, check=True, timeout=30)


@contextmanager
def postgres_server(programs: Path, *, flushes: bool = False) -> Iterator[PostgresServer]:
    """Start a server and end it with the block. By default it flushes nothing to the disk: it has nothing to keep."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        data, port = Path(folder) / "data", choose_port(0)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        create = [*as_somebody_else(), programs / "initdb", "-D", str(data), "-U", OWNER, "-A", "trust", "--no-sync"]
        subprocess.run(create, check=True, timeout=60, stdout=subprocess.DEVNULL)
        options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", f"-cfsync={flushes}"]
        command = [*as_somebody_else(), programs / "postgres", "-D", str(data), *options]
        with ManagedProcess("PostgreSQL", command) as server:
            server.wait_until(lambda: _answers(programs, port), 30)
            yield PostgresServer(programs, port)


def as_somebody_else() -> list[str | Path]:
    """What goes before a command of PostgreSQL, which refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=TERM"]


def _answers(programs: Path, port: int) -> bool:
    asked = subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], timeout=10, check=False)
    return asked.returncode == 0
