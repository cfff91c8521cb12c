"""The fleet over real HTTP: load balancing, and failover when a runner fails, hangs or disappears."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from errors import Overloaded, ProcessingFailed, RunnerUnavailable
from runners.app import RunnerApp, ServedModel
from runners.backend import BackendError, Pixels
from runners.batcher import Batcher
from runners.fleet import RunnerFleet, addresses
from tests.fakes.machines import Machine
from tests.fakes.serving import serving

SIDE = 8
IMAGE = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
TOKEN = "the token of this test, thirty-two bytes and more"


class Host:
    """One runner on an address of its own; `silent` makes it never respond; `machine` runs the inference."""

    def __init__(self, stack: ExitStack, *, held: bool = False, max_wait_s: float = 60.0) -> None:
        self.machine = Machine(held=held)
        self.silent = False
        batcher = Batcher(self.machine.run, limit=1, max_wait_s=max_wait_s)
        self.app = RunnerApp({"matte": ServedModel(SIDE, "it", batcher)}, token=TOKEN)
        self.url = stack.enter_context(serving(self, H11Protocol))
        stack.callback(self.machine.release)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.silent:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await self.app(scope, receive, send)


@dataclass
class Names:
    """A name service: the one name has these addresses."""

    urls: list[str]

    async def __call__(self, url: str) -> Iterable[str]:
        return list(self.urls)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _fleet(*hosts: Host) -> RunnerFleet:
    return RunnerFleet([host.url for host in hosts], token=TOKEN)


async def _infer(fleet: RunnerFleet, within_s: float = 20.0) -> Pixels:
    alpha, _ = await fleet.infer("matte", IMAGE, within_s=within_s)
    return alpha


async def test_the_least_loaded_runner_is_chosen(stack: ExitStack) -> None:
    busy, idle = Host(stack, held=True), Host(stack)
    async with _fleet(busy, idle) as fleet:
        await fleet.state("matte")
        held = [asyncio.create_task(_infer(fleet))]
        await asyncio.sleep(0.1)
        if not busy.machine.batches:  # the first of two that are as good is either
            held.append(asyncio.create_task(_infer(fleet)))
            await asyncio.to_thread(busy.machine.wait_until_begun)
        before = len(idle.machine.batches)
        for _ in range(10):
            assert np.array_equal(await _infer(fleet), IMAGE[..., 0])
        assert len(idle.machine.batches) - before == 10
        busy.machine.release()
        await asyncio.gather(*held)


async def test_equal_runners_take_turns(stack: ExitStack) -> None:
    hosts = [Host(stack), Host(stack), Host(stack)]
    async with _fleet(*hosts) as fleet:
        await fleet.state("matte")
        for _ in range(30):
            await _infer(fleet)
    assert sum(len(host.machine.batches) for host in hosts) == 30
    assert min(len(host.machine.batches) for host in hosts) >= 5


async def test_a_failed_inference_moves_to_another_runner(stack: ExitStack) -> None:
    def fails(images: Pixels) -> None:
        raise BackendError("out of order")

    broken, sound = Host(stack), Host(stack)
    broken.machine.fails = fails
    async with _fleet(broken, sound) as fleet:
        await fleet.state("matte")
        for _ in range(6):
            assert np.array_equal(await _infer(fleet), IMAGE[..., 0])
    assert broken.machine.batches


async def test_the_last_error_is_raised_when_all_runners_fail(stack: ExitStack) -> None:
    def fails(images: Pixels) -> None:
        raise BackendError("out of order")

    hosts = [Host(stack), Host(stack)]
    for host in hosts:
        host.machine.fails = fails
    async with _fleet(*hosts) as fleet:
        with pytest.raises(ProcessingFailed):
            await _infer(fleet)
    assert all(host.machine.batches for host in hosts)


async def test_a_missing_runner_is_skipped(stack: ExitStack) -> None:
    with ExitStack() as short:
        disconnected = Host(short)
    there = Host(stack)
    async with _fleet(disconnected, there) as fleet:
        for _ in range(4):
            await _infer(fleet)
        state = await fleet.state("matte")
    assert state.fault is None
    assert len(there.machine.batches) == 4


async def test_an_inference_on_a_lost_runner_moves_to_another(stack: ExitStack) -> None:
    hanging, other = Host(stack, held=True), Host(stack, held=True)
    async with _fleet(hanging, other) as fleet:
        await fleet.state("matte")
        both = [asyncio.create_task(_infer(fleet)) for _ in range(2)]
        for host in (hanging, other):
            await asyncio.to_thread(host.machine.wait_until_begun)
        hanging.silent = True
        other.machine.release()
        for _ in range(2):
            await fleet.state("matte")
        async with asyncio.timeout(10):
            await asyncio.gather(*both)
    assert len(other.machine.batches) == 2


async def test_the_only_runner_is_waited_for(stack: ExitStack) -> None:
    """It may be restarting: the waiting request is then served."""
    host = Host(stack, held=True)
    async with _fleet(host) as fleet:
        await fleet.state("matte")
        waiting = asyncio.create_task(_infer(fleet))
        await asyncio.to_thread(host.machine.wait_until_begun)
        host.silent = True
        for _ in range(2):
            with pytest.raises(RunnerUnavailable):
                await fleet.state("matte")
        assert not waiting.done()
        host.machine.release()
        assert np.array_equal(await waiting, IMAGE[..., 0])


async def test_a_stopping_runner_gets_no_more_requests(stack: ExitStack) -> None:
    stopping, staying = Host(stack), Host(stack)
    async with _fleet(stopping, staying) as fleet:
        stopping.app.stopping = True
        assert (await fleet.state("matte")).fault is None
        for _ in range(6):
            await _infer(fleet)
        assert not stopping.machine.batches
        staying.app.stopping = True
        assert (await fleet.state("matte")).fault == "The matting runner is stopping."


async def test_the_fleets_speed_is_the_sum_of_its_runners(stack: ExitStack) -> None:
    hosts = [Host(stack), Host(stack)]
    async with _fleet(*hosts) as fleet:
        await fleet.state("matte")
        for _ in range(10):
            await _infer(fleet)
        states = []
        for host in hosts:
            async with _fleet(host) as alone:
                states.append(await alone.state("matte"))
        both = await fleet.state("matte")
    assert both.picture_s == pytest.approx(1 / sum(1 / state.picture_s for state in states), rel=0.01)


async def test_an_overloaded_runner_is_skipped(stack: ExitStack) -> None:
    full, free = Host(stack, held=True, max_wait_s=1e-9), Host(stack)
    async with _fleet(full) as alone:
        full.machine.let_go()
        await _infer(alone)  # it is measured
        await asyncio.to_thread(full.machine.wait_until_begun)
        held = [asyncio.create_task(_infer(alone))]
        await asyncio.to_thread(full.machine.wait_until_begun)
        await asyncio.sleep(0.2)  # it is overdue: what comes now may wait
        held.append(asyncio.create_task(_infer(alone)))
        await asyncio.sleep(0.2)
        with pytest.raises(Overloaded):
            await _infer(alone)
        async with _fleet(full, free) as fleet:
            for _ in range(3):
                await _infer(fleet)
        full.machine.release()
        await asyncio.gather(*held)
    assert len(free.machine.batches) == 3


async def test_runners_follow_dns(stack: ExitStack) -> None:
    first, second = Host(stack), Host(stack)
    names = Names([first.url])
    async with RunnerFleet(["http://runner:1"], token=TOKEN, resolve=names, resolve_every_s=0.02) as fleet:
        await _infer(fleet)
        names.urls = [second.url]
        await asyncio.sleep(0.2)
        await _infer(fleet)
    assert (len(first.machine.batches), len(second.machine.batches)) == (1, 1)


async def test_a_wrong_token_is_refused(stack: ExitStack) -> None:
    host = Host(stack)
    async with RunnerFleet([host.url], token="another token of this test, as long") as fleet:
        with pytest.raises(RunnerUnavailable):
            await _infer(fleet)
        with pytest.raises(RunnerUnavailable):
            await fleet.state("matte")
    assert not host.machine.batches


async def test_every_address_of_a_name_is_a_runner() -> None:
    assert set(await addresses("http://127.0.0.1:3100")) == {"http://127.0.0.1:3100"}
    assert "http://127.0.0.1:3100" in set(await addresses("http://localhost:3100"))
    assert list(await addresses("https://runner.example:3100")) == ["https://runner.example:3100"]
    with pytest.raises(OSError, match=r"."):
        await addresses("http://no-such-host.invalid:3100")
