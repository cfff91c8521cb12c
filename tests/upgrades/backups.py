"""Back-up and restore by the databases' own tools, as docs/ledger.md says."""

import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.fakes.postgres import OWNER, PostgresServer


class Store(Protocol):
    """A database that can be backed up while it is in use, and restored while it is not."""

    @property
    def url(self) -> str:
        """Of the database."""
        ...

    def back_up(self) -> None:
        """Make a copy of its present state."""
        ...

    def restore(self) -> None:
        """Put the copy in its place."""
        ...


@dataclass
class SqliteStore:
    """A file, copied by SQLite's own back-up, as `sqlite3 FILE ".backup COPY"` does."""

    file: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def back_up(self) -> None:
        with sqlite3.connect(self.file) as source, sqlite3.connect(self._copy) as copy:
            source.backup(copy)
        source.close()
        copy.close()

    def restore(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            left = self.file.with_name(self.file.name + suffix)
            if left.exists():
                left.rename(left.with_name(f"old-{left.name}"))
        self.file.write_bytes(self._copy.read_bytes())

    @property
    def _copy(self) -> Path:
        return self.file.with_name("copy.sqlite3")


@dataclass
class PostgresStore:
    """A database of a server; restored into an empty one under its name."""

    server: PostgresServer
    url: str
    folder: Path

    def back_up(self) -> None:
        self._run("pg_dump", "--format=custom", f"--file={self.folder / 'ledger.dump'}", f"--dbname={self._name}")

    def restore(self) -> None:
        self._run("dropdb", self._name)
        self._run("createdb", self._name)
        self._run("pg_restore", "--exit-on-error", f"--dbname={self._name}", str(self.folder / "ledger.dump"))

    @property
    def _name(self) -> str:
        return str(make_url(self.url).database)

    def _run(self, program: str, *words: str) -> None:
        where = ["--host=127.0.0.1", f"--port={self.server.port}", f"--username={OWNER}"]
        subprocess.run([self.server.programs / program, *where, *words], check=True, timeout=60)
