"""The batcher: greedy, in order of arrival, and without abandoned work."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from errors import Overloaded, ProcessingFailed
from runners.backend import BackendError, OutOfMemory, Pixels
from runners.batch_durations import BatchDurations
from runners.batcher import Batcher
from tests.fakes.machines import Machine

SIDE = 4
POISON = 255


def picture(value: int = 0) -> Pixels:
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def batcher(machine: Machine, *, limit: int = 4, max_wait_s: float = 60, picture_s: float | None = None) -> Batcher:
    durations = BatchDurations()
    if picture_s is not None:
        durations.record(1, picture_s)
    return Batcher(machine.run, limit=limit, max_wait_s=max_wait_s, durations=durations)


def sent(batcher: Batcher, count: int, *, within_s: float = 60, first: int = 0) -> list[asyncio.Task[Pixels]]:
    return [
        asyncio.create_task(batcher.infer(picture(value), within_s=within_s)) for value in range(first, first + count)
    ]


async def turns(count: int = 5) -> None:
    """Let the event loop go round, without any time to wait."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    yield machine
    machine.release()


async def test_every_picture_gets_its_own_alpha(machine: Machine) -> None:
    alphas = await asyncio.gather(*sent(batcher(machine), 10))
    for value, alpha in enumerate(alphas):
        assert np.array_equal(alpha, picture(value)[..., 0])
    assert machine.seen == list(range(10))


async def test_waiting_images_form_the_next_batch(machine: Machine) -> None:
    machine.hold()
    mine = batcher(machine)
    first = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    later = sent(mine, 6, first=1)
    await turns()
    machine.release()
    await asyncio.gather(*first, *later)
    assert machine.batches == [1, 4, 2]


async def test_after_a_burst_a_single_image_starts_immediately(machine: Machine) -> None:
    """The test waits only for the event loop: while it is blocked, no timer can fire."""
    mine = batcher(machine)
    await asyncio.gather(*sent(mine, 64))
    for _ in machine.batches:
        machine.wait_until_begun()
    for _ in range(5):
        lone = sent(mine, 1)
        await turns()
        machine.wait_until_begun()
        assert machine.batches[-1] == 1
        await asyncio.gather(*lone)


async def test_expired_images_are_not_processed(machine: Machine) -> None:
    """After forty expired images, a new one is next."""
    machine.hold()
    mine = batcher(machine, limit=1)
    dead = sent(mine, 40, within_s=0.05)
    results = await asyncio.gather(*dead, return_exceptions=True)
    assert all(isinstance(result, Overloaded) for result in results)
    assert mine.waiting == 0
    machine.release()
    await mine.infer(picture(99), within_s=60)
    assert machine.seen == [0, 99]


async def test_a_cancelled_image_leaves_the_queue(machine: Machine) -> None:
    machine.hold()
    mine = batcher(machine, limit=1)
    tasks = sent(mine, 5)
    await turns()
    machine.wait_until_begun()
    for task in tasks[:4]:
        task.cancel()
    await turns()
    assert mine.waiting == 1
    machine.release()
    await tasks[4]
    assert machine.seen == [0, 4]


async def test_only_the_faulty_image_of_a_batch_fails(machine: Machine) -> None:
    def fails(images: Pixels) -> None:
        if (images == POISON).any():
            raise BackendError("not a number")

    machine.fails = fails
    machine.hold()
    mine = batcher(machine, limit=8)
    blocker = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    tasks = [*sent(mine, 7), asyncio.create_task(mine.infer(picture(POISON), within_s=60))]
    await turns()
    machine.release()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.gather(*blocker)
    assert [type(result) for result in results] == [np.ndarray] * 7 + [ProcessingFailed]
    assert machine.batches == [1, 8] + [1] * 8


async def test_out_of_memory_lowers_the_limit(machine: Machine) -> None:
    def fails(images: Pixels) -> None:
        if len(images) > 2:
            raise OutOfMemory("CUDA out of memory")

    machine.fails = fails
    machine.hold()
    mine = batcher(machine, limit=8)
    tasks = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    tasks += sent(mine, 20, first=1)
    await turns()
    machine.release()
    await asyncio.gather(*tasks)
    assert mine.limit == 2
    assert machine.batches == [1, 8, *[1] * 8, 4, *[1] * 4, 2, 2, 2, 2]


async def test_an_unexpected_exception_does_not_stop_the_queue(machine: Machine) -> None:
    def fails(images: Pixels) -> None:
        if images[0, 0, 0, 0] < 2:
            raise ZeroDivisionError

    machine.fails = fails
    results = await asyncio.gather(*sent(batcher(machine, limit=1), 4), return_exceptions=True)
    assert [type(result) for result in results] == [ProcessingFailed] * 2 + [np.ndarray] * 2


async def test_alpha_of_another_shape_is_a_failure() -> None:
    mine = Batcher(lambda images: images[:, :1, :, 0], limit=1, max_wait_s=60)
    with pytest.raises(ProcessingFailed):
        await mine.infer(picture(), within_s=60)


async def test_a_full_queue_rejects_images(machine: Machine) -> None:
    """Ten seconds of work: one image in progress and ten waiting; the others get Retry-After."""
    machine.hold()
    mine = batcher(machine, limit=1, max_wait_s=10, picture_s=1.0)
    tasks = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    tasks += sent(mine, 40, first=1)
    await turns()
    machine.release()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Overloaded)]
    assert 28 <= len(refused) <= 30
    assert {refusal.retry_after for refusal in refused} <= {10, 11}
    assert all(isinstance(result, np.ndarray | Overloaded) for result in results)


async def test_an_image_that_would_miss_its_deadline_is_rejected_immediately(machine: Machine) -> None:
    machine.hold()
    mine = batcher(machine, limit=1, picture_s=5.0)
    tasks = sent(mine, 5)
    await turns()
    machine.wait_until_begun()
    async with asyncio.timeout(15):
        with pytest.raises(Overloaded):
            await mine.infer(picture(), within_s=20.0)
    machine.release()
    await asyncio.gather(*tasks)


async def test_an_idle_device_accepts_every_image(machine: Machine) -> None:
    """One slow measurement must not reject all later images."""
    await batcher(machine, picture_s=100, max_wait_s=1).infer(picture(), within_s=1)


async def test_the_queue_is_bounded_in_bytes(machine: Machine) -> None:
    machine.hold()
    mine = Batcher(machine.run, limit=1, max_wait_s=60, max_waiting_bytes=2 * picture().nbytes)
    tasks = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    tasks += sent(mine, 2)
    await turns()
    with pytest.raises(Overloaded):
        await mine.infer(picture(), within_s=60)
    machine.release()
    await asyncio.gather(*tasks)


async def test_the_expected_wait_is_the_time_of_earlier_batches(machine: Machine) -> None:
    durations = BatchDurations()
    durations.record(1, 1.0)
    durations.record(4, 2.0)
    machine.hold()
    mine = Batcher(machine.run, limit=4, max_wait_s=60, durations=durations)
    assert mine.expected_wait() == 0
    tasks = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    assert mine.expected_wait() == pytest.approx(1.0, abs=0.2)
    tasks += sent(mine, 5)
    await turns()
    assert mine.expected_wait() == pytest.approx(1.0 + 2.0 + 1.0, abs=0.2)
    assert mine.picture_s == 0.5
    machine.release()
    await asyncio.gather(*tasks)
    assert mine.expected_wait() == 0


async def test_one_batcher_never_waits_for_another(machine: Machine) -> None:
    machine.hold()
    stuck = sent(batcher(machine), 1)
    await turns()
    machine.wait_until_begun()
    await batcher(Machine()).infer(picture(), within_s=60)
    assert not stuck[0].done()
    machine.release()
    await asyncio.gather(*stuck)


async def test_a_stalled_batch_is_reported(machine: Machine) -> None:
    machine.hold()
    mine = Batcher(machine.run, limit=4, max_wait_s=60, stalled_s=0.05)
    assert mine.stalled_for() is None
    stuck = sent(mine, 1)
    await turns()
    machine.wait_until_begun()
    await asyncio.sleep(0.1)
    stalled_for = mine.stalled_for()
    assert stalled_for is not None
    assert stalled_for >= 0.05
    machine.release()
    await asyncio.gather(*stuck)
    assert mine.stalled_for() is None
