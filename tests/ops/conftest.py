"""The command line as an operator runs it, on a ledger of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from typer.testing import CliRunner, Result

from ops.__main__ import app
from storage import Database
from tests.storage.conftest import empty_url, postgres, postgres_url, server, skewed_url, sqlite_url, url

__all__ = ["empty_url", "postgres", "postgres_url", "server", "skewed_url", "sqlite_url", "url"]

T = TypeVar("T")


@dataclass
class Operator:
    """Runs commands with the settings in `environment`, which tests change."""

    environment: dict[str, str]
    runner: CliRunner = field(default_factory=CliRunner)

    def run(self, *words: str, answer: str = "") -> Result:
        """One command; `answer` is what is typed."""
        return self.runner.invoke(app, words, input=answer, env=self.environment, catch_exceptions=False)

    def ledger(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Do something to the ledger, as the service would."""

        async def run() -> T:
            async with Database(self.environment["CLEARCANVAS_DATABASE_URL"]) as database:
                return await work(database)

        return asyncio.run(run())


@pytest.fixture
def operator(url: str) -> Operator:
    """On both kinds of database."""
    return Operator({"CLEARCANVAS_DATABASE_URL": url})


@pytest.fixture
def sqlite_operator(sqlite_url: str) -> Operator:
    """On SQLite: for what has nothing to do with the database."""
    return Operator({"CLEARCANVAS_DATABASE_URL": sqlite_url})
