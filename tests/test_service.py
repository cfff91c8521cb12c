"""The service as a whole: two API workers, one runner and their supervisor, started as an operator starts them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from config import load
from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelManifest
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT, choose_port
from tests.buying import ROUTE, buy, photograph
from tests.fakes.serving import TRUST
from tests.modelkit.zoo.graphs import MEAN, STD, conv, save
from tests.processes import matching
from tests.running_service import WORKERS, RunningService, run_service
from tests.shipped import CPU_BACKEND, NAME

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def metrics_port() -> int:
    """Where `own_service` tells its metrics."""
    return choose_port(0)


@pytest.fixture(scope="module")
def own_service(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory, metrics_port: int
) -> Iterator[RunningService]:
    """A service for tests that hurt it. It believes no proxy of this machine, BentoML would log what it reports, and it
    is told its port only by `--port`."""
    settings = {
        "CLEARCANVAS_PUBLIC_URL": "",
        "CLEARCANVAS_METRICS_PORT": str(metrics_port),
        "CLEARCANVAS_TRUSTED_PROXIES": "203.0.113.1",
        "BENTOML_DO_NOT_TRACK": "False",
        "__BENTOML_DEBUG_USAGE": "True",
    }
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("own"), settings, bento=".") as service:
        yield service


def test_it_says_that_every_part_is_ready(running_service: RunningService) -> None:
    answer = httpx.get(f"{running_service.url}/readyz").json()
    assert answer["parts"] == {"runner": "ok", "decoders": "ok", "ledger": "ok"}
    assert answer["rails"] == {"x402": "ok", "mpp": "ok"}
    assert answer["backends"] == {NAME: CPU_BACKEND}


@pytest.mark.parametrize(
    "path", ["/docs.json", "/schema.json", "/static_content/swagger-ui.css", "/assets/x", "/infer"]
)
def test_no_page_of_bentoml_is_public(running_service: RunningService, path: str) -> None:
    answer = httpx.get(running_service.url + path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_wrong_method_is_answered_in_our_form(running_service: RunningService, path: str) -> None:
    answer = httpx.delete(running_service.url + path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_a_websocket_is_refused_without_a_fuss(running_service: RunningService) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    assert httpx.get(running_service.url + ROUTE, headers=headers).status_code == 405
    assert "Exception in ASGI application" not in running_service.log_path.read_text()


async def test_metrics_come_from_all_processes(running_service: RunningService) -> None:
    """Batches are counted in the runner, requests in the API workers; BentoML's own numbers by raw path are off."""
    await buy(running_service, [photograph(quality=90)])
    async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
        lines = (await client.get(f"{running_service.url}/metrics")).text.splitlines()
    [batches] = [line for line in lines if line.startswith("clearcanvas_batch_size_count")]
    assert float(batches.split()[-1]) > 0
    assert any(line.startswith("clearcanvas_backend_info{") and line.endswith(" 1.0") for line in lines)
    assert any(line.startswith('clearcanvas_requests_total{method="GET",route="/readyz"') for line in lines)
    assert not any("bentoml" in line for line in lines)


def test_the_log_is_json_and_has_no_client_in_it(running_service: RunningService) -> None:
    httpx.get(f"{running_service.url}/a-secret-path", headers={"X-Forwarded-For": "198.51.100.77"})
    log = running_service.log_path.read_text()
    assert "a-secret-path" not in log
    assert "198.51.100.77" not in log


def test_addresses_from_a_trusted_proxy_are_counted_apart(running_service: RunningService) -> None:
    left = [_unpaid(running_service, f"198.51.100.{host}") for host in (201, 201, 202)]
    assert left == [29, 28, 29]


def test_nobody_else_is_believed(own_service: RunningService) -> None:
    left = [_unpaid(own_service, f"198.51.100.{host}") for host in (201, 201, 202)]
    assert left == [29, 28, 27]


def test_quotes_and_documents_name_the_port_on_which_it_serves(own_service: RunningService) -> None:
    quote = httpx.post(own_service.url + ROUTE, trust_env=False, verify=TRUST).json()
    document = httpx.get(f"{own_service.url}/openapi.json", trust_env=False, verify=TRUST).json()
    assert quote["accepts"][0]["resource"] == own_service.url + ROUTE
    assert document["servers"] == [{"url": own_service.url}]


async def test_its_metrics_port_tells_what_every_worker_has_counted(
    own_service: RunningService, metrics_port: int
) -> None:
    """And the public port tells nothing."""
    sold = await buy(own_service, [photograph(quality) for quality in range(70, 74)])
    assert {answer.status_code for answer in sold} == {200}
    async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
        assert (await client.get(f"{own_service.url}/metrics")).status_code == 404
        text = (await client.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
    assert 'clearcanvas_payments_total{outcome="settled",rail="x402"} 4.0' in text
    assert "clearcanvas_batch_size_count" in text, "the runner's"
    counts = (own_service.log_path.parent / "bentoml").rglob("gauge_livesum_*.db")
    processes = {file.stem.rpartition("_")[2] for file in counts}
    assert len(processes) == WORKERS + 1, "and the runner"


async def test_a_sale_survives_the_death_of_the_runner(own_service: RunningService) -> None:
    """The supervisor starts another one, and the picture is tried again there."""
    _runner(own_service).kill()
    [answer] = await buy(own_service, [photograph(quality=90)])
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Model"] == ModelManifest.load(load({}).runner.model).label


async def test_stopping_finishes_the_sales_under_way(own_service: RunningService) -> None:
    """SIGTERM while eight paid requests are at work: each gets its picture, and the process ends by itself."""
    pictures = [photograph(quality) for quality in range(80, 88)]
    answers = await buy(own_service, pictures, stop=own_service.process)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert await asyncio.to_thread(own_service.process.wait, 30) is not None


def test_nothing_is_reported_to_the_makers_of_bentoml(own_service: RunningService) -> None:
    """Neither at the start nor at the end, which the test before has brought about."""
    assert own_service.process.poll() is not None
    assert "Tracking" not in own_service.log_path.read_text()


def test_wrong_settings_end_it_with_all_their_names(tmp_path: Path) -> None:
    """One list, no traceback, and a failure for whoever started it."""
    ended = _serve(tmp_path, CLEARCANVAS_PRICE_USD="-1", CLEARCANVAS_WORKERS="many", CLEARCANVAS_WORKER="2")
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    for name in ("CLEARCANVAS_PRICE_USD", "CLEARCANVAS_WORKERS", "CLEARCANVAS_WORKER:"):
        assert ended.stderr.count(f"  {name}") == 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"CLEARCANVAS_RUNNER__MODEL": "matting-v9"}, "There is no manifest matting-v9.toml"),
        ({"CLEARCANVAS_RUNNER__MORE_MODELS": "matting-v9=0.15"}, "There is no manifest matting-v9.toml"),
        (
            {"CLEARCANVAS_DATABASE_URL": "sqlite+aiosqlite:////dev/null/ledger.sqlite3"},
            "The payment ledger is unavailable",
        ),
        ({"CLEARCANVAS_MPP__RPC_URL": "http://192.0.2.1:1"}, "The sandbox's chains are run on this machine"),
        ({"CLEARCANVAS_RUNNER__BACKEND": "cuda"}, "Install requirements/gpu.txt"),
        ({"CLEARCANVAS_RUNNER__BACKEND": "tensorrt"}, "CLEARCANVAS_RUNNER__BACKEND=tensorrt cannot be used."),
    ],
)
def test_what_cannot_start_says_why(tmp_path: Path, setting: dict[str, str], sentence: str) -> None:
    ended = _serve(tmp_path, **setting)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


MAINNET = {
    "CLEARCANVAS_PROFILE": "mainnet",
    "CLEARCANVAS_PUBLIC_URL": "https://cutouts.example.com",
    "CLEARCANVAS_X402__RPC_URL": "https://rpc.example.com",
    "CLEARCANVAS_X402__PAY_TO": "0x52908400098527886E0F7030069857D2E4169EE7",
    "CLEARCANVAS_X402__FACILITATOR_URL": "https://facilitator.example.com",
    "CLEARCANVAS_MPP__ENABLED": "false",
}


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (MAINNET, "The licence of gift, CC-BY-NC-4.0, forbids commercial use"),
        ({}, "do not match the manifest of gift: their SHA-256 is"),
    ],
    ids=["for real money", "other weights"],
)
def test_a_further_model_that_may_not_be_served_ends_it(tmp_path: Path, setting: dict[str, str], sentence: str) -> None:
    papers = Source("a test's", "CC-BY-NC-4.0", commercial=False)
    gift = import_model(save(tmp_path, conv()), "gift", GraphHints(MEAN, STD), papers, tmp_path / "models")
    gift.path.write_bytes(b"other weights")
    models = {
        "CLEARCANVAS_RUNNER__MORE_MODELS": "gift",
        "CLEARCANVAS_RUNNER__MODELS_FOLDER": str(tmp_path / "models"),
    }
    ended = _serve(tmp_path, **models, **setting)
    assert ended.returncode != 0
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def _unpaid(service: RunningService, address: str) -> int:
    """How many unpaid answers are left after one for this address."""
    answer = httpx.post(service.url + ROUTE, headers={"X-Forwarded-For": address})
    assert answer.status_code == 402
    return int(answer.headers["RateLimit"].split("r=")[1].split(";")[0])


def _runner(service: RunningService) -> psutil.Process:
    [runner] = matching(service.process.pid, "MattingRunner")
    return runner


def _serve(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    env |= {"BENTOML_HOME": str(folder), "BENTOML_DO_NOT_TRACK": "True"}
    env |= {"CLEARCANVAS_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite3", **settings}
    bentoml = Path(sys.executable).with_name("bentoml")
    return subprocess.run(
        [bentoml, "serve"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
