"""The pipeline's view of the runner: alphas in time or one of our errors, and the expected wait."""

import asyncio

import numpy as np
import pytest

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.client import POLL_TIMEOUT_S, RunnerClient
from tests.fakes.runners import ScriptedRunner
from tests.loop_time import loop_time

SIDE = 8
IMAGE = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
GONE = RunnerUnavailable("The matting runner does not answer.")
FAILED = ProcessingFailed("The background could not be removed from this image.")


def _client(runner: ScriptedRunner, timeout_s: float = 5.0) -> RunnerClient:
    return RunnerClient(runner, model="matte", size=SIDE, timeout_s=timeout_s)


async def test_infer_returns_one_alpha() -> None:
    runner = ScriptedRunner()
    alpha = await _client(runner).infer(IMAGE)
    assert np.array_equal(alpha, IMAGE[..., 0])
    assert runner.asked == ["matte"]


@pytest.mark.parametrize("failure", [GONE, FAILED])
async def test_one_failure_is_retried_within_the_same_timeout(failure: Exception) -> None:
    runner = ScriptedRunner([failure])
    await _client(runner).infer(IMAGE)
    first, second = runner.within_s
    assert 5.0 >= first > second > 0


@pytest.mark.parametrize("failure", [GONE, FAILED])
async def test_two_failures_are_raised(failure: Exception) -> None:
    runner = ScriptedRunner([failure, failure, failure])
    with pytest.raises(type(failure)):
        await _client(runner).infer(IMAGE)
    assert runner.calls == 2


async def test_overloaded_is_not_retried() -> None:
    runner = ScriptedRunner([Overloaded("Full.", retry_after=7)])
    with pytest.raises(Overloaded) as refusal:
        await _client(runner).infer(IMAGE)
    assert (runner.calls, refusal.value.retry_after) == (1, 7)


async def test_a_silent_runner_times_out() -> None:
    """One bound over both attempts."""
    async with loop_time() as passed:
        with pytest.raises(RunnerUnavailable):
            await _client(ScriptedRunner([30.0]), timeout_s=0.2).infer(IMAGE)
    assert passed.seconds < 2


@pytest.mark.parametrize("image", [IMAGE[1:], IMAGE[..., :2], IMAGE.astype(np.float32), IMAGE[None]])
async def test_an_image_of_another_size_is_not_sent(image: np.ndarray) -> None:
    runner = ScriptedRunner()
    with pytest.raises(ValueError, match="the image must be uint8"):
        await _client(runner).infer(image)
    assert runner.calls == 0


async def test_the_fault_is_starting_until_the_first_response() -> None:
    client = _client(ScriptedRunner(looks=[GONE, GONE]))
    for _ in range(2):
        await client.poll()
        assert client.fault() == await client.health() == "The matting runner is starting."
    await client.poll()
    assert client.fault() is None


@pytest.mark.parametrize("missing", [GONE, POLL_TIMEOUT_S + 30])
async def test_two_missed_polls_mark_it_down_and_one_response_marks_it_up(missing: Exception | float) -> None:
    """A refused connection and a hanging one count alike."""
    runner = ScriptedRunner()
    client = _client(runner)
    await client.poll()
    runner.look_script(missing, missing)
    await client.poll()
    assert client.fault() is None
    await client.poll()
    assert client.fault() == "The matting runner does not answer."
    await client.poll()
    assert client.fault() is None


async def test_a_finished_inference_counts_as_a_response() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    await client.poll()
    runner.look_script(GONE, GONE)
    await client.poll()
    await client.infer(IMAGE)
    await client.poll()
    assert client.fault() is None


async def test_a_reported_fault_counts_immediately() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    runner.tell(fault="The matting runner is stuck.")
    await client.poll()
    assert client.fault() == "The matting runner is stuck."


async def test_the_wait_is_the_reported_one_and_decreases_with_time() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    assert client.expected_wait() == client.picture_s() == 0
    runner.tell(wait_s=3.0, picture_s=0.25)
    await client.poll()
    assert client.picture_s() == 0.25
    first = client.expected_wait()
    await asyncio.sleep(0.02)
    assert 0 < client.expected_wait() < first <= 3.0


async def test_every_inference_updates_the_wait() -> None:
    runner = ScriptedRunner()
    client = _client(runner)
    runner.tell(wait_s=3.0)
    await client.infer(IMAGE)
    assert client.expected_wait() > 2


async def test_images_in_flight_count_before_the_next_report() -> None:
    """A burst is not accepted because of an outdated report."""
    runner = ScriptedRunner([0.2] * 20)
    client = _client(runner)
    runner.tell(picture_s=0.5)
    await client.poll()
    burst = [asyncio.create_task(client.infer(IMAGE)) for _ in range(20)]
    await asyncio.sleep(0.05)
    assert client.expected_wait() == 10.0
    await asyncio.gather(*burst)
    assert client.expected_wait() == 0
