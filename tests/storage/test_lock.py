"""The lock has one holder at a time, over tasks and processes, and outlives nobody."""

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
    """Makes a lock as one more process would."""

    def build(name: str = "key", wait_s: float = 1.0) -> SqlLock:
        return SqlLock(process(), name, lease_s=30, wait_s=wait_s)

    return build


async def test_lets_one_in_and_the_next_one_after_it(build: Build) -> None:
    mine, yours = build(), build()
    async with mine:
        with pytest.raises(LedgerUnavailable):
            await yours.__aenter__()
    async with yours:
        pass


async def test_locks_each_name_by_itself(build: Build) -> None:
    async with build("one"), build("other"):
        pass


async def test_is_free_after_a_failure_under_it(build: Build) -> None:
    lock = build()
    with pytest.raises(RuntimeError):
        async with lock:
            raise RuntimeError
    async with build():
        pass


async def test_tasks_of_one_process_take_turns(build: Build) -> None:
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


async def test_a_silent_holder_loses_it_with_its_lease(build: Build, clock: FakeClock) -> None:
    """The holder that wakes up late does not take the lock from its successor when it gives back its own."""
    silent, next_one, third = build(), build(), build()
    await silent.__aenter__()
    clock.advance(30)
    async with next_one:
        await silent.__aexit__(None, None, None)
        with pytest.raises(LedgerUnavailable):
            await third.__aenter__()


async def test_is_free_after_waiting_in_vain(build: Build) -> None:
    """Who gave up, or was cancelled while waiting, holds nothing and keeps nobody of its own process out."""
    holder, waiting = build(), build(wait_s=5)
    async with holder:
        task = asyncio.create_task(waiting.__aenter__())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with waiting:
        pass


def test_is_never_held_twice_by_two_processes(url: str, tmp_path: Path) -> None:
    """Each of 2 x 4 x 10 additions is kept; one that overlapped with another would be lost."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    race(add_under_lock, url, counter, 4, 10)
    assert counter.read_text() == "80"


async def test_its_lease_runs_by_the_databases_clock(skewed_url: tuple[str, int]) -> None:
    """A host whose clock is five minutes ahead of the others' neither takes what is held nor holds for longer."""
    url, ahead_s = skewed_url
    async with Database(url) as mine, Database(url) as yours:
        async with SqlLock(mine, "key", lease_s=30):
            [(until,)] = await mine.rows(select(locks.c.lease_until).where(locks.c.name == "key"))
            assert until == pytest.approx(time.time() + ahead_s + 30, abs=10)
            with pytest.raises(LedgerUnavailable):
                await SqlLock(yours, "key", wait_s=0.2).__aenter__()
        async with SqlLock(yours, "key", wait_s=5):
            pass


async def test_says_when_the_database_is_away(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3") as database:
        with pytest.raises(LedgerUnavailable):
            await SqlLock(database, "key").__aenter__()
