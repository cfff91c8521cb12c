"""What the pipeline sees of the runner: pictures in time, or one of our errors."""

import time

import numpy as np
import pytest
from aiohttp import ServerDisconnectedError
from bentoml.exceptions import BentoMLException, InternalServerError, ServiceUnavailable

from errors import ProcessingFailed, RunnerUnavailable
from runners.client import TRAINING_BATCHES, RunnerClient, method_of
from tests.fakes.runners import ScriptedRunner

SIDE = 8
IMAGE = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)


def _client(runner: ScriptedRunner, timeout_s: float = 5.0) -> RunnerClient:
    return RunnerClient(runner, size=SIDE, timeout_s=timeout_s)


async def test_one_picture_in_one_alpha_out() -> None:
    alpha = await _client(ScriptedRunner()).infer(IMAGE)
    assert np.array_equal(alpha, IMAGE[..., 0])


@pytest.mark.parametrize(
    "failure", [ServerDisconnectedError(), ServiceUnavailable("busy"), InternalServerError("broken")]
)
async def test_one_failure_is_tried_again(failure: Exception) -> None:
    runner = ScriptedRunner([failure])
    await _client(runner).infer(IMAGE)
    assert runner.calls == 2


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ServerDisconnectedError(), RunnerUnavailable),
        (ServiceUnavailable("busy"), RunnerUnavailable),
        (InternalServerError("broken"), ProcessingFailed),
        (BentoMLException("anything"), ProcessingFailed),
    ],
)
async def test_two_failures_are_one_of_our_errors(failure: Exception, expected: type[Exception]) -> None:
    runner = ScriptedRunner([failure, failure, failure])
    with pytest.raises(expected):
        await _client(runner).infer(IMAGE)
    assert runner.calls == 2


async def test_a_silent_runner_is_waited_for_only_so_long() -> None:
    """One bound over both attempts."""
    start = time.monotonic()
    with pytest.raises(RunnerUnavailable):
        await _client(ScriptedRunner([30.0]), timeout_s=0.2).infer(IMAGE)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("image", [IMAGE[1:], IMAGE[..., :2], IMAGE.astype(np.float32), IMAGE[None]])
async def test_a_picture_that_would_spoil_its_batch_is_not_sent(image: np.ndarray) -> None:
    runner = ScriptedRunner()
    with pytest.raises(ValueError, match="the runner takes uint8"):
        await _client(runner).infer(image)
    assert runner.calls == 0


async def test_each_model_is_asked_by_its_own_method() -> None:
    runner = ScriptedRunner(methods=("infer", "infer_1"))
    for place in range(2):
        await RunnerClient(runner, size=SIDE, timeout_s=5.0, method=method_of(place)).infer(IMAGE)
    assert runner.asked == ["infer", "infer_1"]


async def test_warming_up_leads_the_batcher_through_its_training() -> None:
    """However long the runner takes to come up."""
    runner = ScriptedRunner([ServerDisconnectedError()] * 3)
    client = _client(runner)
    assert await client.health() == "The matting runner is warming up."
    await client.warm_up()
    assert runner.calls == 3 + TRAINING_BATCHES
    assert await client.health() is None


@pytest.mark.parametrize("ready", [False, ServerDisconnectedError(), TimeoutError(), 30.0])
async def test_a_runner_that_is_not_there_is_said_to_be_out(ready: bool | Exception | float) -> None:
    start = time.monotonic()
    assert await _client(ScriptedRunner(ready=ready)).health() == "The matting runner does not answer."
    assert time.monotonic() - start < 5
