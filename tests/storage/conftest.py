"""Empty databases of both kinds, brought to the present schema."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from storage import Database
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock
from tests.fakes.postgres import PostgresServer, postgres_server, required_binaries


@pytest.fixture(autouse=True)
async def _threads_end_before_their_loop() -> AsyncIterator[None]:
    """aiosqlite does not wait for the thread of a connection that failed to open, which complains to a closed loop."""
    yield
    async with asyncio.timeout(10):
        while any("_connection_worker_thread" in thread.name for thread in threading.enumerate()):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.001)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL."""
    with postgres_server(required_binaries()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> PostgresServer | None:
    """PostgreSQL, or None where the test is to have a SQLite file."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.fixture
def empty_url(server: PostgresServer | None, tmp_path: Path) -> str:
    """URL of a database without tables."""
    return server.new_database() if server else f"sqlite:///{tmp_path / 'ledger.sqlite3'}"


@pytest.fixture
def url(server: PostgresServer | None, tmp_path: Path) -> str:
    """URL of a database with empty tables."""
    return server.new_ledger() if server else empty_ledger(tmp_path / "ledger.sqlite3")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file with empty tables."""
    return empty_ledger(tmp_path / "ledger.sqlite3")


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """URL of a PostgreSQL database with empty tables."""
    return postgres.new_ledger()


@pytest.fixture(params=[-300, 300])
def skewed_url(request: pytest.FixtureRequest, postgres_url: str) -> tuple[str, int]:
    """URL of a PostgreSQL database whose clock differs from this host's, and by how many seconds."""

    async def skew() -> None:
        async with Database(postgres_url) as database:
            for statement in (
                "CREATE SCHEMA skewed",
                "CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
                f"$$ SELECT pg_catalog.clock_timestamp() + interval '{request.param} seconds' $$",
                f"ALTER DATABASE {make_url(postgres_url).database} SET search_path = skewed, pg_catalog, public",
            ):
                await database.run(text(statement))

    asyncio.run(skew())
    return postgres_url, request.param


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def process(url: str, clock: FakeClock) -> AsyncIterator[Callable[[], Database]]:
    """Opens the test's database as another process would."""
    async with AsyncExitStack() as opened:

        def open_one() -> Database:
            database = Database(url, clock=clock)
            opened.push_async_callback(database.aclose)
            return database

        yield open_one
