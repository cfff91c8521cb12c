"""Backup of the ledger while it is in use, and restore.

SQLite is copied with its backup interface, which gives a consistent state in spite of concurrent writes. For PostgreSQL
its programs pg_dump and pg_restore must be installed.
"""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, inspect

from storage.engine import create_engine, parse, unavailable
from storage.identity import path_of

_BUSY_S = 2.0


class BackupError(Exception):
    """A backup or restore failed; the text states why, and contains no password."""


def back_up(url: str, target: Path) -> None:
    """Copy the ledger to a new file, which gets its name only when it is complete. Only its owner may read it.

    Raises:
        BackupError: the file exists or cannot be written, the copy is damaged, or pg_dump failed.
    """
    parsed, part = parse(url), target.with_name(f"{target.name}.part")
    with _told(target):
        if target.exists():
            raise BackupError(f"{target} exists already.")
        part.touch(mode=0o600, exist_ok=False)
        try:
            if source := path_of(parsed):
                _copy(source, part)
            else:
                _run("pg_dump", parsed, "--format=custom", "--no-owner", f"--file={part}")
                _run("pg_restore", parsed, "--list", str(part))
            _flush(part)
            part.rename(target)
            _flush(target.parent)
        finally:
            part.unlink(missing_ok=True)


async def restore(url: str, source: Path, *, other_ledger: bool = False) -> Path | None:
    """Replace the ledger by a copy; no process may use the ledger. An existing SQLite file is kept under a new name,
    which is returned. A PostgreSQL database must be empty.

    Args:
        other_ledger: whether the copy may be of another ledger than the existing one.

    Raises:
        BackupError: the copy is damaged or of another ledger, the ledger is in use, the database is not empty, or
            pg_restore failed.
        LedgerUnavailable: the database does not answer.
    """
    parsed = parse(url)
    with _told(source):
        if target := path_of(parsed):
            return _restore_file(source, target, other_ledger=other_ledger)
        await _check_empty(parsed)
        options = ("--no-owner", "--exit-on-error", "--single-transaction")
        _run("pg_restore", parsed, *options, f"--dbname={parsed.database}", str(source))
        return None


def _restore_file(source: Path, target: Path, *, other_ledger: bool) -> Path | None:
    identity = _identity(source)
    if identity is None:
        raise BackupError(f"{source} holds no ledger.")
    before = _take_out_of_use(target) if target.exists() else None
    if before not in {None, identity} and not other_ledger:
        raise BackupError(f"{source} is a copy of ledger {identity}; {target} holds ledger {before}.")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(source, part)
    _flush(part)
    kept = _keep(target) if target.exists() else None
    part.replace(target)  # atomic: without a ledger, a service that starts now would create an empty one
    _flush(target.parent)
    return kept


def _copy(source: Path, target: Path) -> None:
    with closing(_open(source)) as old, closing(_open(target, mode="rwc")) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        [[state], *_] = new.execute("PRAGMA integrity_check")
    if state != "ok":
        raise BackupError(f"The copy of {source} is damaged: {state}.")


def _take_out_of_use(file: Path) -> str | None:
    """Write the log back into the file, which fails if another process has it open. Returns the ledger's identity; None
    if the file is damaged: then it is not known whether it is in use."""
    try:
        with closing(_open(file)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        return _identity(file)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BackupError(f"A process uses {file}. Stop every service that uses the ledger first.") from None
        return None
    except sqlite3.DatabaseError:
        return None


def _identity(file: Path) -> str | None:
    with closing(_open(file)) as connection:
        try:
            found = connection.execute("SELECT id FROM ledger").fetchone()
        except sqlite3.OperationalError:
            return None
    return found and str(found[0])


def _keep(file: Path) -> Path:
    """Give a file and its log a second name."""
    kept = file.with_name(f"{file.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    for suffix in ("-wal", "-shm"):  # SQLite would write those of a damaged file into the new one
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.rename(f"{kept}{suffix}")
    os.link(file, kept)
    return kept


def _open(file: Path, mode: str = "rw") -> sqlite3.Connection:
    uri = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)


def _flush(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _check_empty(url: URL) -> None:
    def tables(connection: Connection) -> list[str]:
        return inspect(connection).get_table_names()

    with unavailable():
        engine = create_engine(url)
        try:
            async with engine.connect() as connection:
                found = await connection.run_sync(tables)
        finally:
            await engine.dispose()
    if found:
        raise BackupError("The database is not empty. Make a new one, restore into it, and name it in the settings.")


def _run(program: str, url: URL, *words: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise BackupError(f"{program} is not installed: it comes with PostgreSQL's client, of the server's version.")
    ran = subprocess.run([path, *words], env=os.environ | _libpq(url), capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    if ran.returncode:
        said = ran.stderr.strip().replace(url.password or "\0", "…")
        raise BackupError(f"{program} failed: {said}")


def _libpq(url: URL) -> dict[str, str]:
    """The connection as environment variables for PostgreSQL's programs: a command line would show the password."""
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    named = {
        "PGHOST": url.host or query.get("host"),
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("ssl"),
    }
    return {name: str(value) for name, value in named.items() if value is not None}


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{file} cannot be copied: {error}.") from error
    except OSError as error:
        raise BackupError(f"{error.filename or file} cannot be used: {error.strerror}.") from error
