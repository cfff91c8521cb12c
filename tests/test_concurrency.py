"""Work that is not torn."""

import asyncio

import pytest

from concurrency import cancel_and_wait, run_to_completion


async def test_gives_the_result_or_the_error() -> None:
    async def fail() -> None:
        raise LookupError

    assert await run_to_completion(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError):
        await run_to_completion(fail())


@pytest.mark.parametrize("fails", [False, True])
async def test_is_cancelled_only_when_the_work_is_done(fails: bool) -> None:
    """However often, and whatever becomes of the work."""
    may_go_on, done = asyncio.Event(), False

    async def work() -> None:
        nonlocal done
        await may_go_on.wait()
        done = True
        if fails:
            raise LookupError

    task = asyncio.create_task(run_to_completion(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    may_go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_task_is_done_when_the_wait_ends(fails: bool) -> None:
    """Also when it takes a while to end, or fails at that."""
    cleaned_up = False

    async def work() -> None:
        nonlocal cleaned_up
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned_up = True
            if fails:
                raise LookupError

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await cancel_and_wait(task)
    assert cleaned_up
    assert task.done()
    if fails:
        assert isinstance(task.exception(), LookupError)
