"""URLs of databases."""

import pytest

from storage.engine import parse


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///state/ledger.sqlite3", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///state/ledger.sqlite3", "sqlite+aiosqlite"),
        ("postgresql://host/name", "postgresql+asyncpg"),
        ("postgres://host/name", "postgresql+asyncpg"),
    ],
)
def test_adds_the_driver(url: str, driver: str) -> None:
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
