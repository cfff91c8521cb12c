"""URLs, and what the databases are told about keeping their promises."""

import pytest
from sqlalchemy import text

from storage.engine import create_engine, parse


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///state/ledger.sqlite3", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///state/ledger.sqlite3", "sqlite+aiosqlite"),
        ("postgresql://host/name", "postgresql+asyncpg"),
        ("postgres://host/name", "postgresql+asyncpg"),
    ],
)
def test_fills_in_the_driver(url: str, driver: str) -> None:
    assert parse(url).drivername == driver


def test_understands_sslmode() -> None:
    assert dict(parse("postgresql://host/name?sslmode=require&application_name=x").query) == {
        "ssl": "require",
        "application_name": "x",
    }


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "mysql://a:secret@host/b",
        "postgresql://a:x:secret@host:secret/b",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_refuses_other_urls_without_repeating_them(url: str) -> None:
    with pytest.raises(ValueError, match=r"database|SQLite") as refusal:
        parse(url)
    assert "secret" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
async def test_sqlite_flushes_every_commit_where_money_is_written(
    sqlite_url: str, durable: bool, synchronous: int
) -> None:
    engine = create_engine(parse(sqlite_url), durable=durable)
    async with engine.connect() as connection:
        assert (await connection.execute(text("PRAGMA synchronous"))).scalar() == synchronous
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
    await engine.dispose()


@pytest.mark.parametrize(("durable", "commit"), [(True, "on"), (False, "off")])
async def test_postgresql_flushes_every_commit_where_money_is_written(
    postgres_url: str, durable: bool, commit: str
) -> None:
    engine = create_engine(parse(postgres_url), durable=durable)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SHOW synchronous_commit"))).scalar() == commit
    await engine.dispose()
