"""A real PostgreSQL server for tests, on a free loopback port, in a folder that goes away with it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sandbox.process import ManagedProcess, choose_port

OWNER = "ledger"


def binaries() -> Path | None:
    """The folder of the newest `initdb` on this machine, if there is one. Debian keeps it out of PATH."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


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
        subprocess.run(
            [self.programs / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", OWNER, name],
            check=True,
            timeout=30,
        )
        return self.url(name)


@contextmanager
def postgres_server(programs: Path) -> Iterator[PostgresServer]:
    """Start a server and end it with the block. Flushes nothing to the disk: it has nothing to keep."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        data, port = Path(folder) / "data", choose_port(0)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        create = [*_as_somebody_else(), programs / "initdb", "-D", str(data), "-U", OWNER, "-A", "trust", "--no-sync"]
        subprocess.run(create, check=True, timeout=60, stdout=subprocess.DEVNULL)
        options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories=", "-cfsync=off"]
        command = [*_as_somebody_else(), programs / "postgres", "-D", str(data), *options]
        with ManagedProcess("PostgreSQL", command) as server:
            server.wait_until(lambda: _answers(programs, port), 30)
            yield PostgresServer(programs, port)


def _as_somebody_else() -> list[str | Path]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=TERM"]


def _answers(programs: Path, port: int) -> bool:
    asked = subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], timeout=10, check=False)
    return asked.returncode == 0
