"""`backup` and `restore` on both databases. That a copy made while the service sells is whole, and what payments then
get, is tested with whole services elsewhere."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from storage import Database, RecordState, SqlRecords, Wanted
from tests.fakes.postgres import PostgresServer
from tests.ops.conftest import Operator
from tests.storage.planting import planted


async def known(database: Database) -> list[str]:
    return [each.entry.payment.id for each in await SqlRecords(database).page(Wanted())]


def sold(name: str) -> Callable[[Database], Awaitable[str]]:
    return lambda database: planted(database, RecordState.FINAL, name)


def file_of(operator: Operator) -> Path:
    return Path(operator.environment["CLEARCANVAS_DATABASE_URL"].removeprefix("sqlite:///"))


def make_room(operator: Operator, request: pytest.FixtureRequest) -> None:
    """A PostgreSQL copy goes into an empty database."""
    if "postgresql" in operator.environment["CLEARCANVAS_DATABASE_URL"]:
        server: PostgresServer = request.getfixturevalue("postgres")
        operator.environment["CLEARCANVAS_DATABASE_URL"] = server.new_database()


def test_a_copy_brings_back_what_was_there(operator: Operator, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    copy = tmp_path / "copy"
    operator.ledger(sold("before"))
    identity = operator.ledger(lambda database: database.identify())
    made = operator.run("backup", str(copy))
    assert made.exit_code == 0, made.output
    assert identity in made.stdout
    assert copy.stat().st_mode & 0o777 == 0o600
    operator.ledger(sold("after"))
    make_room(operator, request)
    put = operator.run("restore", str(copy), "--yes")
    assert put.exit_code == 0, put.output
    assert operator.ledger(known) == ["before"]
    assert operator.ledger(lambda database: database.identify()) == identity
    assert "409 payment_spent_elsewhere" in put.stdout
    assert "python -m ops reconcile --since 20" in put.stdout


def test_what_was_there_is_kept(sqlite_operator: Operator, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert sqlite_operator.run("backup", str(copy)).exit_code == 0
    sqlite_operator.ledger(sold("after"))
    assert sqlite_operator.run("restore", str(copy), answer="y\n").exit_code == 0
    [kept] = tmp_path.glob("ledger.sqlite3.before-*")
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT id FROM payments").fetchall() == [("after",)]
    connection.close()


def test_no_copy_replaces_a_file(sqlite_operator: Operator, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_text("yesterday's")
    ran = sqlite_operator.run("backup", str(copy))
    assert (ran.exit_code, copy.read_text()) == (1, "yesterday's")
    assert "exists already" in ran.stderr


def test_a_ledger_in_use_is_not_replaced(sqlite_operator: Operator, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert sqlite_operator.run("backup", str(copy)).exit_code == 0

    async def restore(database: Database) -> int:
        """While another process would have the file open."""
        await planted(database, RecordState.FINAL, "after")
        ran = await asyncio.to_thread(sqlite_operator.run, "restore", str(copy), "--yes")
        assert "Stop every service" in ran.stderr
        return ran.exit_code

    assert sqlite_operator.ledger(restore) == 1
    assert sqlite_operator.ledger(known) == ["after"]


def test_nothing_is_replaced_before_a_yes(sqlite_operator: Operator, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert sqlite_operator.run("backup", str(copy)).exit_code == 0
    sqlite_operator.ledger(sold("after"))
    assert sqlite_operator.run("restore", str(copy), answer="n\n").exit_code == 1
    assert sqlite_operator.ledger(known) == ["after"]


def test_a_copy_of_another_ledger_is_refused(sqlite_operator: Operator, tmp_path: Path) -> None:
    """Unless it is said that it is meant."""
    copy = tmp_path / "copy"
    assert sqlite_operator.run("backup", str(copy)).exit_code == 0
    other = Operator({"CLEARCANVAS_DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite3"})
    assert other.run("restore", str(copy), "--yes").exit_code == 0, "where nothing is, a copy makes a ledger"
    with sqlite3.connect(file_of(other)) as connection:
        connection.execute("UPDATE ledger SET id = 'another'")
    connection.close()
    ran = other.run("restore", str(copy), "--yes")
    assert ran.exit_code == 1
    assert "holds ledger another" in ran.stderr
    assert other.run("restore", str(copy), "--yes", "--other-ledger").exit_code == 0


@pytest.mark.parametrize("content", [b"no database", b""])
def test_what_is_no_copy_is_refused(sqlite_operator: Operator, tmp_path: Path, content: bytes) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(content)
    sqlite_operator.ledger(sold("here"))
    assert sqlite_operator.run("restore", str(copy), "--yes").exit_code == 1
    assert sqlite_operator.ledger(known) == ["here"]


def test_a_damaged_ledger_is_replaced_with_all_that_belongs_to_it(sqlite_operator: Operator, tmp_path: Path) -> None:
    copy, file = tmp_path / "copy", file_of(sqlite_operator)
    sqlite_operator.ledger(sold("before"))
    assert sqlite_operator.run("backup", str(copy)).exit_code == 0
    file.write_bytes(b"overwritten")
    file.with_name(f"{file.name}-wal").write_bytes(b"of the old one")
    assert sqlite_operator.run("restore", str(copy), "--yes").exit_code == 0
    assert sqlite_operator.ledger(known) == ["before"]


def test_a_postgresql_database_has_to_be_empty(postgres_url: str, tmp_path: Path) -> None:
    operator, copy = Operator({"CLEARCANVAS_DATABASE_URL": postgres_url}), tmp_path / "copy"
    assert operator.run("backup", str(copy)).exit_code == 0
    ran = operator.run("restore", str(copy), "--yes")
    assert ran.exit_code == 1
    assert "not empty" in ran.stderr


def test_says_when_a_program_is_not_installed_or_fails(postgres_url: str, tmp_path: Path) -> None:
    operator = Operator({"CLEARCANVAS_DATABASE_URL": postgres_url, "PATH": str(tmp_path)})
    ran = operator.run("backup", str(tmp_path / "copy"))
    assert ran.exit_code == 1
    assert "pg_dump is not installed" in ran.stderr
    failing = tmp_path / "pg_dump"
    failing.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    failing.chmod(0o755)
    ran = operator.run("backup", str(tmp_path / "copy"))
    assert (ran.exit_code, "pg_dump failed: broken" in ran.stderr) == (1, True)
    assert not (tmp_path / "copy").exists()
