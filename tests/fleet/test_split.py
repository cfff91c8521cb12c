"""API and runners on different addresses, as on different hosts: 127.0.0.1 sells, 127.0.0.2 and 127.0.0.3 cut out."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import DIE_WITH_PARENT, ROOT, choose_port
from tests.buying import photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.processes import matching
from tests.running_service import RunningService, run_service

TOKEN = "what API and runners of this test share, 32 bytes"
BOTH_RAILS: tuple[Way, ...] = ("x402 v2", "mpp")
_START_S = 60.0


@dataclass(frozen=True)
class RemoteRunner:
    """A runner with a supervisor of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log_path: Path

    def worker(self) -> psutil.Process:
        """The process that runs the network."""
        [worker] = matching(self.process.pid, "_bentoml_impl.worker.service")
        return worker

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        text = httpx.get(f"{self.url}/metrics", timeout=5, trust_env=False, verify=TRUST).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Of a process that is told nothing about wallets, chains or a ledger."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    return env | {"BENTOML_HOME": str(folder / "bentoml"), "CLEARCANVAS_PROFILE": "mainnet"} | dict(settings)


@contextmanager
def remote_runner(host: str, folder: Path) -> Iterator[RemoteRunner]:
    folder.mkdir()
    port = choose_port(0)
    settings = {
        "CLEARCANVAS_RUNNER__HOST": host,
        "CLEARCANVAS_RUNNER__PORT": str(port),
        "CLEARCANVAS_RUNNER__TOKEN": TOKEN,
    }
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "runner_service:MattingRunner"]
    log_path = folder / "runner.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", DIE_WITH_PARENT, str(os.getpid()), *command],
            cwd=ROOT, env=environment(folder, settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    runner = RemoteRunner(f"http://{host}:{port}", process, log_path)
    try:
        _wait_until_ready(runner)
        yield runner
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2, trust_env=False, verify=TRUST).is_success
    except httpx.HTTPError:
        return False


def _wait_until_ready(runner: RemoteRunner) -> None:
    deadline = time.monotonic() + _START_S
    while not _is_ready(runner.url):
        if runner.process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"The runner did not come up:\n{runner.log_path.read_text()[-4000:]}")
        time.sleep(0.1)


@dataclass(frozen=True)
class Split:
    """One service that sells, and the runners that work for it."""

    service: RunningService
    runners: tuple[RemoteRunner, ...]


@pytest.fixture(scope="module")
def split(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    folder = tmp_path_factory.mktemp("split")
    with ExitStack() as stack:
        hosts = ("127.0.0.2", "127.0.0.3")
        runners = tuple(stack.enter_context(remote_runner(host, folder / host)) for host in hosts)
        settings = {
            "CLEARCANVAS_RUNNER__ADDRESSES": ",".join(runner.url for runner in runners),
            "CLEARCANVAS_RUNNER__TOKEN": TOKEN,
        }
        service = stack.enter_context(run_service(base_chain, tempo_chain, folder, settings))
        yield Split(service, runners)


async def _buy(split: Split, way: Way, quality: int) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        buyer = PurchaseClient(split.service, client, way)
        picture = photograph(quality)
        payment = await buyer.sign(picture)
        answer = await buyer.post(picture, payment)
        while answer.status_code == 503 and answer.json()["code"] == "overloaded":  # of this machine, not of a runner
            await asyncio.sleep(1)
            answer = await buyer.post(picture, payment)
        assert answer.status_code == 200, answer.text
        assert_cut_out(answer.content, size=(512, 512))


@pytest.mark.parametrize("way", BOTH_RAILS)
async def test_it_sells_on_both_rails(split: Split, way: Way) -> None:
    chain = split.service.tempo_chain if way == "mpp" else split.service.base_chain
    earned = chain.balance_of(SELLER.address)
    await _buy(split, way, 80)
    assert chain.balance_of(SELLER.address) - earned == PRICE


async def test_the_api_has_no_runner_of_its_own_and_both_others_work(split: Split) -> None:
    assert not matching(split.service.process.pid, "MattingRunner")
    before = [runner.metric("clearcanvas_batch_size_sum") for runner in split.runners]
    for quality in range(60, 66):
        await _buy(split, "x402 v2", quality)
    after = [runner.metric("clearcanvas_batch_size_sum") for runner in split.runners]
    assert all(later > earlier for earlier, later in zip(before, after, strict=True)), (before, after)


async def test_nothing_is_lost_when_a_runner_is_killed(split: Split) -> None:
    victim = split.runners[0].worker()
    sales = [asyncio.create_task(_buy(split, "x402 v2", quality)) for quality in range(40, 48)]
    await asyncio.sleep(0.5)
    victim.kill()
    await asyncio.gather(*sales)
    await asyncio.to_thread(_wait_until_ready, split.runners[0])


async def test_without_any_runner_nothing_is_quoted_and_with_one_it_is_again(split: Split) -> None:
    workers = [runner.worker() for runner in split.runners]
    async with httpx.AsyncClient(base_url=split.service.url, timeout=10, trust_env=False, verify=TRUST) as client:
        for worker in workers:
            worker.suspend()
        try:
            await _until(client, 503)
        finally:
            for worker in workers:
                worker.resume()
        await _until(client, 402)


async def _until(client: httpx.AsyncClient, status: int) -> None:
    async with asyncio.timeout(30):
        while True:
            answer = await client.post("/v1/remove-background", headers={"X-Forwarded-For": "198.51.100.77"})
            if answer.status_code == status:
                return
            await asyncio.sleep(1.5)


def test_the_runners_ask_for_the_token_and_unpickle_nothing(split: Split, tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = f"cposix\nsystem\n(S'touch {made}'\ntR.".encode()
    kinds = ("application/vnd.bentoml+pickle", "application/octet-stream", "application/json")
    for headers, expected in (({}, {401}), ({"Authorization": f"Bearer {TOKEN}"}, {400, 404})):
        for kind in kinds:
            for path in ("/infer", "/infer/clearcanvas-matte-6", "/__http_infer__", "/"):
                answer = httpx.post(
                    f"{split.runners[0].url}{path}", content=code, headers={"Content-Type": kind, **headers}, timeout=5
                )
                assert answer.status_code in expected, (path, answer.status_code)
    assert not made.exists()


async def test_a_runner_that_is_told_to_stop_loses_no_sale(split: Split, tmp_path: Path) -> None:
    """The last test: from here on one runner is gone."""
    sales = []
    split.runners[1].process.terminate()
    for quality in range(20, 32):
        sales.append(asyncio.create_task(_buy(split, "x402 v2", quality)))
        await asyncio.sleep(0.4)
    await asyncio.gather(*sales)
    assert await asyncio.to_thread(split.runners[1].process.wait, 30) == 0


def test_a_runner_that_others_could_reach_does_not_start_without_a_token(tmp_path: Path) -> None:
    """By its settings, or against them by BentoML's own options."""
    bentoml = str(Path(sys.executable).with_name("bentoml"))
    by_settings = {"CLEARCANVAS_RUNNER__HOST": "0.0.0.0", "CLEARCANVAS_RUNNER__PORT": str(choose_port(0))}  # noqa: S104
    by_option = ["--host", "0.0.0.0", "--port", str(choose_port(0))]  # noqa: S104  # it ends at once
    for settings, options in ((by_settings, []), ({}, by_option)):
        ended = subprocess.run(
            [bentoml, "serve", "runner_service:MattingRunner", *options],
            cwd=ROOT, env=environment(tmp_path, settings), capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert "CLEARCANVAS_RUNNER__TOKEN: is missing, and 0.0.0.0 can be reached" in ended.stdout + ended.stderr


def test_an_api_without_its_map_says_what_to_set(
    tmp_path: Path, base_chain: BaseChain, tempo_chain: TempoChain
) -> None:
    """Started by BentoML's hidden command, whose map of services is easily forgotten."""
    settings = {
        "BENTOML_SERVE_SERVICE_NAME": "BackgroundRemoval",
        "CLEARCANVAS_PROFILE": "sandbox",
        "CLEARCANVAS_X402__RPC_URL": base_chain.rpc_url,
        "CLEARCANVAS_MPP__RPC_URL": tempo_chain.rpc_url,
        "CLEARCANVAS_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/ledger.sqlite3",
    }
    command = ["-m", "bentoml_cli._internal.start", "start-http-server", "service:BackgroundRemoval"]
    ended = subprocess.run(
        [sys.executable, *command, "--host", "127.0.0.1", "--port", str(choose_port(0))],
        cwd=ROOT, env=environment(tmp_path, settings), capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "Set CLEARCANVAS_RUNNER__ADDRESSES=http://host:port" in ended.stdout + ended.stderr
