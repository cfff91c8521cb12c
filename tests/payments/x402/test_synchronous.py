"""Synchronous code on the event loop: it waits for coroutines, and is cancelled while it waits."""

import asyncio
from contextvars import ContextVar

import pytest

from concurrency import cancel_and_wait
from payments.x402.synchronous import run, wait_for

NUMBER: ContextVar[int] = ContextVar("NUMBER")


async def answer(what: int) -> int:
    await asyncio.sleep(0)
    return what


async def fail() -> int:
    await asyncio.sleep(0)
    raise LookupError


async def test_gives_what_the_code_gives() -> None:
    assert await run(lambda: 1) == 1
    assert await run(lambda: wait_for(answer(1)) + wait_for(answer(2))) == 3


async def test_what_a_question_raises_is_raised_in_the_code() -> None:
    def careful() -> int:
        try:
            return wait_for(fail())
        except LookupError:
            return wait_for(answer(4))

    assert await run(careful) == 4
    with pytest.raises(LookupError):
        await run(lambda: wait_for(fail()))


async def test_many_wait_at_the_same_time() -> None:
    """Each with the context variables of its task."""

    def code() -> int:
        wait_for(asyncio.sleep(0.2))
        return NUMBER.get()

    async def numbered(number: int) -> int:
        NUMBER.set(number)
        return await run(code)

    async with asyncio.timeout(5):
        assert await asyncio.gather(*map(numbered, range(100))) == list(range(100))


async def test_a_cancellation_ends_code_that_swallows_exceptions() -> None:
    went_on = False

    def code() -> None:
        nonlocal went_on
        try:
            wait_for(asyncio.sleep(60))
        except Exception:  # noqa: BLE001 - as an SDK does
            went_on = True

    running = asyncio.create_task(run(code))
    await asyncio.sleep(0)
    await cancel_and_wait(running)
    assert running.cancelled()
    assert not went_on
