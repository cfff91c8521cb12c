"""Killed and frozen processes of a service that runs as in a container: time is lost, and nothing else."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from signal import SIGCONT, SIGSTOP

import httpx
import psutil
import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buying import ROUTE, buy, photograph
from tests.fakes.serving import TRUST
from tests.processes import matching
from tests.running_service import WORKERS, RunningService, run_service

_BACK_S = 60.0
_COUNTS = {"MattingRunner": 1, "BackgroundRemoval": WORKERS}
_ADDRESSES = itertools.cycle(range(1, 255))
PICTURES = [photograph(quality) for quality in range(70, 74)]


@pytest.fixture(scope="module")
def service(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """As every image of BentoML starts it: with the variable by which BentoML replaces no worker."""
    settings = {"BENTOML_CONTAINERIZED": "true", "CLEARCANVAS_RECENT_RESULTS_MB": "0"}
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("deaths"), settings) as service:
        yield service


@pytest.fixture
async def client(service: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False, verify=TRUST) as client:
        yield client


async def test_a_runner_that_is_killed_during_sales_costs_only_time(
    service: RunningService, client: httpx.AsyncClient
) -> None:
    await _until(lambda: _replaced(service, "MattingRunner", []), _BACK_S)
    [killed] = _workers(service, "MattingRunner")
    sales = asyncio.create_task(buy(service, PICTURES))
    await _until(lambda: _at_work(client), 30)
    killed.kill()
    assert [answer.status_code for answer in await sales] == [200] * len(PICTURES)
    assert service.process.poll() is None
    # If the sales needed it no more, /readyz notices its death a moment later: the new runner comes first.
    await _until(lambda: _replaced(service, "MattingRunner", [killed]), _BACK_S)
    await _until(lambda: _answers(client, "/readyz", 200), _BACK_S)


async def test_an_api_worker_that_is_killed_is_replaced(service: RunningService, client: httpx.AsyncClient) -> None:
    before = _workers(service, "BackgroundRemoval")
    assert len(before) == WORKERS
    before[0].kill()
    await _until(lambda: _replaced(service, "BackgroundRemoval", before[:1]), _BACK_S)
    await _until(lambda: _answers(client, "/readyz", 200), _BACK_S)
    [answer] = await buy(service, [photograph(quality=75)])
    assert answer.status_code == 200, answer.text


async def test_while_the_runner_hangs_nobody_is_asked_to_pay(
    service: RunningService, client: httpx.AsyncClient
) -> None:
    with _frozen(*_workers(service, "MattingRunner")):
        await _until(lambda: _answers(client, ROUTE, 503), 20)
        answer = await client.post(ROUTE)
        assert answer.status_code == 503
        assert answer.json()["code"] == "runner_unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert "WWW-Authenticate" not in answer.headers
        assert (await client.get("/readyz")).status_code == 503
    await _until(lambda: _answers(client, ROUTE, 402), 20)
    await _until(lambda: _answers(client, "/readyz", 200), 20)


def _workers(service: RunningService, name: str) -> list[psutil.Process]:
    return matching(service.process.pid, "--service-name", name)


async def _replaced(service: RunningService, name: str, killed: list[psutil.Process]) -> bool:
    """Whether there are as many of these processes as there should be, and none of those that were killed."""
    now = {worker.pid for worker in _workers(service, name)}
    return len(now) == _COUNTS[name] and now.isdisjoint(each.pid for each in killed)


async def _at_work(client: httpx.AsyncClient) -> bool:
    """Whether a picture is with the pipeline of either worker."""
    lines = (await client.get("/metrics")).text.splitlines()
    return any(float(line.split()[-1]) > 0 for line in lines if line.startswith("clearcanvas_images_in_flight"))


async def _answers(client: httpx.AsyncClient, path: str, status: int) -> bool:
    """Whether all workers do; each of the calls may meet another one."""
    method = "POST" if path == ROUTE else "GET"
    # A new connection each, and each from another address: unpaid answers are counted.
    headers = [{"Connection": "close", "X-Forwarded-For": f"198.51.100.{next(_ADDRESSES)}"} for _ in range(8 * WORKERS)]
    try:
        answers = [await client.request(method, path, headers=each) for each in headers]
    except httpx.HTTPError:
        return False
    return all(answer.status_code == status for answer in answers)


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


@contextmanager
def _frozen(*processes: psutil.Process) -> Iterator[None]:
    for process in processes:
        process.send_signal(SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(SIGCONT)
