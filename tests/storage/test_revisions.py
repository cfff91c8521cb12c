"""Each step from one revision of the schema to another, forward and back, keeps every row; and old code beside new.

Every revision in the folder is tested, whoever adds it. Rows are made from what the database says of its tables, so a
new table or column has rows too; only what a CHECK constraint or the code that reads it demands has to
be said in `SAMPLES`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table

import storage
from errors import LedgerUnavailable
from payments.ledger import Ledger, State
from storage.engine import create_engine, parse
from storage.migrations.revisions import VERSIONS, Revisions
from tests.contracts.ledger_contract import LedgerContract
from tests.contracts.ledger_entries import RECEIPT, SOLD
from tests.storage.ahead import AHEAD, HEAD, version_ahead

ALL = [*Revisions()]
NEIGHBOURS = {*pairwise(ALL), (ALL[0], ALL[-1])}
"""Each step alone, and all of them together."""
PAIRS = [pytest.param(*pair, marks=() if pair in NEIGHBOURS else pytest.mark.nightly) for pair in combinations(ALL, 2)]
SELF_DECLARING = "0007"
"""From this revision on a database says which code works with it."""

Rows = dict[str, list[dict[str, Any]]]
_RECEIPT = asdict(RECEIPT)
_SETTLED = {"state": "settled", "receipt": _RECEIPT, "settled_at": 17.5}
_SOLD = {"sold": {name: value for name, value in asdict(SOLD).items() if name != "receipt_id"}}
SAMPLES: dict[str, list[dict[str, Any]]] = {
    "payments": [
        *(
            {"id": state.value, "state": state.value, "receipt": None, **_SOLD}
            for state in State
            if state is not State.SETTLED
        ),
        {"id": "in doubt", "state": "settling", "receipt": None, "lease_until": 1.0, **_SOLD},
        {"id": "settled", **_SETTLED, **_SOLD},
        {"id": "final", **_SETTLED, **_SOLD, "final_at": 30.5, "transaction_hash": None, "purchase": None},
        {"id": "abandoned", "state": "claimed", "receipt": None, "lease_until": 1.0, **_SOLD},
    ],
    "ledger": [],  # its one row is the migration's
    "alembic_version": [],
}
"""Table → what its rows must have, one for each state."""
ANY: list[dict[str, Any]] = [{}, {}]


async def in_database(url: str, work: Callable[[Connection], Any]) -> Any:
    """Do something with a connection that is not the service's."""
    engine = create_engine(parse(url))
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def shape(connection: Connection) -> dict[str, object]:
    """What a database says of its tables: columns with types, constraints, indexes."""
    inspector = sa.inspect(connection)
    return {
        table.name: (
            {column.name: (str(column.type), column.nullable, column.primary_key) for column in table.columns},
            sorted(map(str, inspector.get_unique_constraints(table.name))),
            sorted(str(each["sqltext"]) for each in inspector.get_check_constraints(table.name)),
            sorted(
                f"{each['name']} {each['column_names']} {each['unique']}" for each in inspector.get_indexes(table.name)
            ),
        )
        for table in tables(connection)
    }


def some_value(column: sa.Column[Any], text: str, number: int) -> Any:
    """A value that the column can hold, different in each row."""
    kind = column.type
    if isinstance(kind, sa.JSON):
        return {"memo": text}
    if isinstance(kind, sa.LargeBinary):
        return text.encode()
    if isinstance(kind, sa.Boolean):
        return number % 2 == 0
    if isinstance(kind, sa.Integer):
        return number
    if isinstance(kind, sa.Numeric | sa.Float):
        return number + 0.5
    return str(10**18 + number) if column.name in {"amount", "valid_before"} else text


def fill(connection: Connection, prefix: str = "row", columns: dict[str, set[str]] | None = None) -> None:
    """Put rows into every table, with other values for each length of `prefix`; `columns`: only those of a table, and
    nothing into a table that has none."""
    for table in tables(connection):
        if columns is not None and table.name not in columns:
            continue
        known = None if columns is None else columns[table.name]
        for number, sample in enumerate(SAMPLES.get(table.name, ANY), len(prefix)):
            row = {column.name: some_value(column, f"{prefix} {number}", number) for column in table.columns}
            row |= {name: value for name, value in sample.items() if name in row}
            if "id" in sample:
                row["id"] = f"{prefix} {sample['id']}"
            written = {name: row[name] for name in row if row[name] is not None and (known is None or name in known)}
            connection.execute(table.insert().values(written))


def rows(connection: Connection) -> Rows:
    return {
        table.name: sorted((dict(row._mapping) for row in connection.execute(sa.select(table))), key=repr)
        for table in tables(connection)
    }


def common(before: Rows, after: Rows) -> Rows:
    """The tables and columns of `before` as `after` has them; what is gone is missing."""
    return {
        name: sorted(({key: row[key] for key in found[0] if key in row} for row in after.get(name, ())), key=repr)
        if found
        else []
        for name, found in before.items()
    }


@pytest.mark.parametrize(("earlier", "later"), PAIRS, ids=lambda each: each)
async def test_every_step_forward_and_back_keeps_every_row(empty_url: str, earlier: str, later: str) -> None:
    assert await storage.migrate(empty_url, to=earlier) == earlier
    was = await in_database(empty_url, shape)
    await in_database(empty_url, fill)
    before = await in_database(empty_url, rows)
    assert await storage.migrate(empty_url, to=later) == later
    after = await in_database(empty_url, rows)
    assert _without_note(common(before, after)) == _without_note(before)
    assert await storage.migrate(empty_url, to=earlier) == earlier
    assert await in_database(empty_url, shape) == was
    assert await in_database(empty_url, rows) == before


@pytest.mark.parametrize("earlier", ALL[:-1])
async def test_the_ledger_reads_what_every_earlier_version_wrote(empty_url: str, earlier: str) -> None:
    await storage.migrate(empty_url, to=earlier)
    await in_database(empty_url, fill)
    await storage.migrate(empty_url)
    async with storage.Database(empty_url) as database:
        await database.identify()
        ledger = storage.SqlLedger(database)
        for sample in SAMPLES["payments"]:
            entry = await ledger.find(f"row {sample['id']}")
            assert entry is not None
            assert entry.state == sample["state"]
            assert entry.payment.amount > 10**18
            assert entry.receipt == (RECEIPT if sample["state"] == State.SETTLED else None)
        await storage.SqlStates(database).standings()


async def test_back_to_nothing_and_forward_again(url: str) -> None:
    await storage.migrate(url, to=ALL[0])
    assert await storage.migrate(url) == HEAD


async def test_a_revision_that_nobody_knows_is_named(url: str) -> None:
    with pytest.raises(ValueError, match=f"no revision 4711; there are 0001, .*{HEAD}"):
        await storage.migrate(url, to="4711")


@pytest.mark.parametrize("later", [each for each in ALL if each > SELF_DECLARING])
async def test_what_a_revision_says_of_older_code_is_true(empty_url: str, later: str) -> None:
    await old_code_goes_on(empty_url, later)


async def old_code_goes_on(url: str, later: str, folders: tuple[Path, ...] = (VERSIONS,)) -> None:
    """Code of the oldest revision that one names can go on writing: rows of its own columns are taken, and kept."""
    await storage.migrate(url, folders=folders, to=later)
    oldest = (await in_database(url, rows))["ledger"][0]["oldest_code"]
    if oldest == later:
        return  # it says that older code does not work with it
    await storage.migrate(url, folders=folders, to=oldest)
    known = {table.name: set(table.columns.keys()) for table in await in_database(url, tables)}
    await in_database(url, lambda connection: fill(connection, "old row"))
    before = await in_database(url, rows)
    await storage.migrate(url, folders=folders, to=later)
    assert _without_note(common(before, await in_database(url, rows))) == _without_note(before)
    await in_database(url, lambda connection: fill(connection, "a new row of old code", known))


def _without_note(found: Rows) -> Rows:
    """Without the ledger's note of the code that works with it, which every migration writes anew."""
    return found | {"ledger": [{**row, "oldest_code": None} for row in found.get("ledger", [])]}


UNDO = 'op.drop_column("payments", "colour")'
CONTRACT = 'op.drop_column("payments", "settling_since")'


async def test_an_addition_lets_older_code_go_on(url: str, tmp_path: Path) -> None:
    await old_code_goes_on(url, AHEAD, version_ahead(tmp_path, downgrade=UNDO))


async def test_a_revision_that_is_no_addition_is_found(sqlite_url: str, tmp_path: Path) -> None:
    """It says that older code goes on, whose column it removes."""
    undo = 'op.add_column("payments", sa.Column("settling_since", sa.Double))'
    folders = version_ahead(tmp_path, CONTRACT, undo)
    with pytest.raises(AssertionError):
        await old_code_goes_on(sqlite_url, AHEAD, folders)


async def test_code_starts_on_a_database_one_version_ahead(url: str, tmp_path: Path) -> None:
    """As a worker of the old version that is replaced after the new version's migration: nothing is migrated back."""
    folders = version_ahead(tmp_path)
    assert await storage.migrate(url, folders=folders) == AHEAD
    assert await storage.migrate(url) == AHEAD
    async with storage.Database(url) as database:
        assert await database.identify()


async def test_code_does_not_start_on_a_database_that_it_does_not_work_with(url: str, tmp_path: Path) -> None:
    await storage.migrate(url, folders=version_ahead(tmp_path, CONTRACT, works_with=None))
    with pytest.raises(LedgerUnavailable, match=f"{AHEAD} does not work with this version, whose newest is {HEAD}"):
        await storage.migrate(url)


async def test_code_does_not_go_back_with_what_it_does_not_know(url: str, tmp_path: Path) -> None:
    await storage.migrate(url, folders=version_ahead(tmp_path))
    with pytest.raises(LedgerUnavailable, match="Use the newer version"):
        await storage.migrate(url, to=HEAD)


async def test_a_worker_does_not_open_a_database_that_is_behind(empty_url: str) -> None:
    await storage.migrate(empty_url, to=ALL[-2])
    async with storage.Database(empty_url) as database:
        with pytest.raises(LedgerUnavailable, match=f"revision {ALL[-2]}, not {HEAD}"):
            await database.identify()
        await storage.migrate(empty_url)
        assert await database.identify()


class TestSqlLedgerOneVersionAhead(LedgerContract):
    """The present code keeps the ledger's whole contract on the schema of a version to come that only adds."""

    @pytest.fixture
    def url(self, empty_url: str, tmp_path: Path) -> str:
        asyncio.run(storage.migrate(empty_url, folders=version_ahead(tmp_path)))
        return empty_url

    @pytest.fixture
    def build(self, process: Callable[[], storage.Database]) -> Callable[[], Ledger]:
        return lambda: storage.SqlLedger(process())
