"""Whatever the composed application opens, it closes: files, sockets, threads, processes and tasks."""

import asyncio
import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

import storage
from composition import compose
from config import load
from models.manifest import ModelManifest
from runners.client import RunnerClient
from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, TempoChain
from sandbox.environment import environment
from sandbox.wallets import sign_x402
from tests.buying import ROUTE, photograph
from tests.fakes.runners import ScriptedRunner
from tests.fakes.talkative_redis import talkative_redis

URL = "http://127.0.0.1:3000"


@dataclass(frozen=True)
class Open:
    """What this process holds."""

    descriptors: int
    threads: frozenset[str]
    children: int
    tasks: int

    @classmethod
    def now(cls) -> "Open":
        gc.collect()
        others = ("asyncio_", "MainThread", "Thread-")  # the event loop's own, and those of the fake
        threads = {each.name for each in threading.enumerate() if not each.name.startswith(others)}
        process = psutil.Process()
        children = len(process.children())
        return cls(len(list(Path("/proc/self/fd").iterdir())), frozenset(threads), children, len(asyncio.all_tasks()))


@pytest.mark.parametrize("counters", ["database", "redis"])
async def test_nothing_stays_open(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, counters: str
) -> None:
    """The first time, libraries open what they keep as long as the process lives."""
    with talkative_redis() as redis:
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
        await storage.migrate(url)
        changes = {"CLEARCANVAS_DATABASE_URL": url}
        if counters == "redis":
            changes["CLEARCANVAS_RATE_LIMIT__REDIS_URL"] = f"redis://{redis}/0"
        told = environment(base_chain.rpc_url, tempo_chain.rpc_url, URL) | changes
        await _open_and_close(told)
        before = await _settled(lambda: len(asyncio.all_tasks()) == 1)
        for _ in range(2):
            await _open_and_close(told)
        assert await _settled(lambda: Open.now() == before) == before


async def _settled(condition: Callable[[], bool]) -> Open:
    """A moment later: transports close in the loop's next rounds, and the fake's threads end by themselves."""
    for _ in range(50):
        await asyncio.sleep(0.05)
        if condition():
            break
    return Open.now()


async def _open_and_close(told: dict[str, str]) -> None:
    settings = load(told)
    manifest = ModelManifest.load(settings.runner.model)
    client = RunnerClient(ScriptedRunner(), model=manifest.name, size=manifest.input.size, timeout_s=10)
    await client.poll()
    async with (
        compose(settings, [(manifest, client)]) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as buyer,
    ):
        picture, headers = photograph(90), {"Content-Type": "image/jpeg"}
        quote = await buyer.post(ROUTE, content=picture, headers=headers)
        assert quote.status_code == 402, quote.text
        headers |= sign_x402(BUYER.key, quote.headers["PAYMENT-REQUIRED"])
        answer = await buyer.post(ROUTE, content=picture, headers=headers)
        assert answer.status_code == 200, answer.text
