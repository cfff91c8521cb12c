"""What the pipeline sees of the runner: pictures in time, or one of our errors, and how long a picture would wait."""

import asyncio
import time

import numpy as np
import pytest

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.client import PATIENCE_S, RunnerClient
from tests.fakes.runners import ScriptedRunner

SIDE = 8
IMAGE = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
GONE = RunnerUnavailable("The matting runner does not answer.")
FAILED = ProcessingFailed("The picture could not be cut out.")


def _client(runner: ScriptedRunner, timeout_s: float = 5.0) -> RunnerClient:
    return RunnerClient(runner, model="matte", size=SIDE, timeout_s=timeout_s)


async def test_one_picture_in_one_alpha_out() -> None:
    runner = ScriptedRunner()
    alpha = await _client(runner).infer(IMAGE)
    assert np.array_equal(alpha, IMAGE[..., 0])
    assert runner.asked == ["matte"]


@pytest.mark.parametrize("failure", [GONE, FAILED])
async def test_one_failure_is_tried_again_within_the_same_time(failure: Exception) -> None:
    runner = ScriptedRunner([failure])
    await _client(runner).infer(IMAGE)
    first, second = runner.within_s
    assert 5.0 >= first > second > 0


@pytest.mark.parametrize("failure", [GONE, FAILED])
async def test_two_failures_are_the_answer(failure: Exception) -> None:
    runner = ScriptedRunner([failure, failure, failure])
    with pytest.raises(type(failure)):
        await _client(runner).infer(IMAGE)
    assert runner.calls == 2


async def test_a_runner_that_has_too_much_to_do_is_not_asked_again() -> None:
    runner = ScriptedRunner([Overloaded("Full.", retry_after=7)])
    with pytest.raises(Overloaded) as refusal:
        await _client(runner).infer(IMAGE)
    assert (runner.calls, refusal.value.retry_after) == (1, 7)


async def test_a_silent_runner_is_waited_for_only_so_long() -> None:
    """One bound over both attempts."""
    start = time.monotonic()
    with pytest.raises(RunnerUnavailable):
        await _client(ScriptedRunner([30.0]), timeout_s=0.2).infer(IMAGE)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("image", [IMAGE[1:], IMAGE[..., :2], IMAGE.astype(np.float32), IMAGE[None]])
async def test_a_picture_of_another_size_is_not_sent(image: np.ndarray) -> None:
    runner = ScriptedRunner()
    with pytest.raises(ValueError, match="the runner takes uint8"):
        await _client(runner).infer(image)
    assert runner.calls == 0


async def test_it_is_starting_until_the_runner_answers() -> None:
    client = _client(ScriptedRunner(looks=[GONE, GONE]))
    for _ in range(2):
        await client.look()
        assert client.fault() == await client.health() == "The matting runner is starting."
    await client.look()
    assert client.fault() is None


@pytest.mark.parametrize("missing", [GONE, PATIENCE_S + 30])
async def test_two_missing_answers_in_a_row_make_it_out_and_one_good_one_in(missing: Exception | float) -> None:
    """Refusing and hanging are the same."""
    runner = ScriptedRunner()
    client = _client(runner)
    await client.look()
    runner.look_script(missing, missing)
    await client.look()
    assert client.fault() is None
    await client.look()
    assert client.fault() == "The matting runner does not answer."
    await client.look()
    assert client.fault() is None


async def test_a_picture_that_comes_back_is_a_good_answer() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    await client.look()
    runner.look_script(GONE, GONE)
    await client.look()
    await client.infer(IMAGE)
    await client.look()
    assert client.fault() is None


async def test_what_the_runner_says_is_wrong_with_it_counts_at_once() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    runner.tell(fault="The matting runner is stuck.")
    await client.look()
    assert client.fault() == "The matting runner is stuck."


async def test_the_wait_is_what_the_runner_said_and_goes_down_with_time() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    assert client.expected_wait() == client.picture_s() == 0
    runner.tell(wait_s=3.0, picture_s=0.25)
    await client.look()
    assert client.picture_s() == 0.25
    first = client.expected_wait()
    await asyncio.sleep(0.02)
    assert 0 < client.expected_wait() < first <= 3.0


async def test_every_picture_tells_the_wait() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    runner.tell(wait_s=3.0)
    await client.infer(IMAGE)
    assert client.expected_wait() > 2


async def test_pictures_of_our_own_count_before_the_runner_tells_of_them() -> None:
    """A burst is not let in on the word of a moment ago."""
    runner = ScriptedRunner([0.2] * 20)
    client = _client(runner)
    runner.tell(picture_s=0.5)
    await client.look()
    burst = [asyncio.create_task(client.infer(IMAGE)) for _ in range(20)]
    await asyncio.sleep(0.05)
    assert client.expected_wait() == 10.0
    await asyncio.gather(*burst)
    assert client.expected_wait() == 0
