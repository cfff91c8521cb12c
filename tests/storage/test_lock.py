"""The lock has one holder among all tasks and processes, and expires with its holder."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from errors import LedgerUnavailable
from storage import Database, SqlLock
from storage.schema import locks
from tests.fakes.clock import FakeClock
from tests.storage.racers import add_under_lock, race

Build = Callable[..., SqlLock]


@pytest.fixture
def build(process: Callable[[], Database]) -> Build:
    """Creates a lock as another process would."""

    def build(name: str = "key", wait_s: float = 1.0) -> SqlLock:
        return SqlLock(process(), name, lease_s=30, wait_s=wait_s)

    return build


async def test_one_holder_after_another(build: Build) -> None:
    mine, yours = build(), build()
    async with mine:
        with pytest.raises(LedgerUnavailable):
            await yours.__aenter__()
    async with yours:
        pass


async def test_names_are_independent(build: Build) -> None:
    async with build("one"), build("other"):
        pass


async def test_is_released_after_an_error(build: Build) -> None:
    lock = build()
    with pytest.raises(RuntimeError):
        async with lock:
            raise RuntimeError
    async with build():
        pass


async def test_tasks_of_one_process_queue(build: Build) -> None:
    lock, inside, most = build(wait_s=10), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with lock:
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(work() for _ in range(10)))
    assert most == 1


async def test_a_suspended_holder_loses_it_when_its_lease_expires(build: Build, clock: FakeClock) -> None:
    """A holder that resumes late does not release its successor's lock."""
    silent, next_one, third = build(), build(), build()
    await silent.__aenter__()
    clock.advance(30)
    async with next_one:
        await silent.__aexit__(None, None, None)
        with pytest.raises(LedgerUnavailable):
            await third.__aenter__()


async def test_those_who_wait_outlast_a_dead_holder(process: Callable[[], Database], clock: FakeClock) -> None:
    """With the times that a settlement key has: a killed host must not stop the settlements of the others."""
    await SqlLock(process(), "key").__aenter__()
    waiting = asyncio.create_task(SqlLock(process(), "key").__aenter__())
    await asyncio.sleep(0.05)
    clock.advance(10)
    lock = await waiting
    await lock.__aexit__(None, None, None)


async def test_a_timed_out_waiter_holds_nothing(build: Build) -> None:
    """A waiter that timed out or was cancelled holds nothing and blocks nothing in its own process."""
    holder, waiting = build(), build(wait_s=5)
    async with holder:
        task = asyncio.create_task(waiting.__aenter__())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with waiting:
        pass


def test_two_processes_never_hold_it_together(url: str, tmp_path: Path) -> None:
    """Each of 2 x 4 x 10 additions is kept; one that overlapped with another would be lost."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    race(add_under_lock, url, counter, 4, 10)
    assert counter.read_text() == "80"


async def test_its_lease_uses_the_databases_clock(skewed_url: tuple[str, int]) -> None:
    """A host whose clock is five minutes ahead neither acquires a held lock nor holds it for longer."""
    url, ahead_s = skewed_url
    async with Database(url) as mine, Database(url) as yours:
        async with SqlLock(mine, "key", lease_s=30):
            [(until,)] = await mine.rows(select(locks.c.lease_until).where(locks.c.name == "key"))
            assert until == pytest.approx(time.time() + ahead_s + 30, abs=10)
            with pytest.raises(LedgerUnavailable):
                await SqlLock(yours, "key", wait_s=0.2).__aenter__()
        async with SqlLock(yours, "key", wait_s=5):
            pass


async def test_an_unavailable_database_is_reported(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3") as database:
        with pytest.raises(LedgerUnavailable):
            await SqlLock(database, "key").__aenter__()
