"""What `bentoml build` packs, and that it sells without the rest of the repository. No image is built here:
`make image-replay` does that, and tests/image/ looks at what came of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT
from tests.buying import buy, photograph
from tests.running_service import RunningService, run_service

SHIPPED = {
    "admission.py", "api", "api_worker.py", "bento_glue.py", "composition.py", "concurrency.py", "config",
    "cpu_quota.py", "cut_out.py", "deployment.py", "errors", "examples", "imaging", "logs.py", "memory.py",
    "metrics_folder.py", "metrics_server.py", "models", "ops", "payments", "pipeline.py", "pixel_budget.py",
    "process_end.py", "process_start.py", "rail_composition.py", "request_state.py", "runner_composition.py",
    "runner_service.py", "runners", "service.py", "settings_types", "storage", "supervisor.py", "telemetry.py",
    "tracing", "version.py",
}  # fmt: skip
BESIDE = {"LICENSE", "bentofile.yaml", "deploy", "requirements"}
NODE_PROJECT = (".npmrc", "mppx.config.mjs", "package.json", "package-lock.json", "tsconfig.json")
AROUND_PROGRAMS = {"examples/README.md", *(f"examples/node/{name}" for name in NODE_PROJECT)}
"""The guides print and serve the programs alone."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the bento is built: BENTOML_HOME is its subfolder `bentoml`."""
    folder = tmp_path_factory.mktemp("bento")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    env |= {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    bentoml = Path(sys.executable).with_name("bentoml")
    subprocess.run([bentoml, "build", "--version", "test"], cwd=ROOT, env=env, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def served(folder: Path, base_chain: BaseChain, tempo_chain: TempoChain) -> Iterator[RunningService]:
    """The bento outside the sandbox profile, on the local chains nevertheless."""
    settings = {
        "CLEARCANVAS_PROFILE": "testnet",
        "CLEARCANVAS_X402__PAY_TO": SELLER.address,
        "CLEARCANVAS_X402__SETTLEMENT_KEY": SETTLER.key,
        "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        "CLEARCANVAS_MPP__SECRET_KEY": "a secret for nothing but this test",
        "CLEARCANVAS_WORKERS": "1",
    }
    with run_service(base_chain, tempo_chain, folder, settings, bento="clearcanvas:test", cwd=folder) as service:
        yield service


def test_it_holds_what_serves_and_nothing_else(folder: Path) -> None:
    source = folder / "bentoml/bentos/clearcanvas/test/src"
    assert {path.name for path in source.iterdir()} == SHIPPED | BESIDE
    templates = {*source.glob("api/pages/*")}  # llms.txt and SKILL.md are answers
    beside = {path for path in source.rglob("*") if path.suffix in {".pyc", ".md"} or path.name.startswith("test_")}
    assert beside - templates == set()


def test_it_holds_every_file_of_what_it_ships(folder: Path) -> None:
    source = folder / "bentoml/bentos/clearcanvas/test/src"
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    ours = {path for path in tracked if path.split("/")[0] in SHIPPED} - AROUND_PROGRAMS
    assert {path for path in ours if not (source / path).is_file()} == set()


def test_its_packages_are_locked_by_hash(folder: Path) -> None:
    text = (folder / "bentoml/bentos/clearcanvas/test/env/python/requirements.txt").read_text()
    assert "bentoml==1.4.40" in text
    assert "--hash=sha256:" in text
    assert "index-url" not in text


def test_its_dockerfile_is_ours(folder: Path) -> None:
    dockerfile = (folder / "bentoml/bentos/clearcanvas/test/env/docker/Dockerfile").read_text()
    assert dockerfile.strip() == (ROOT / "deploy/Dockerfile.j2").read_text().strip()


def test_it_has_all_that_the_image_is_built_from(folder: Path) -> None:
    source = folder / "bentoml/bentos/clearcanvas/test/src"
    locks = {path.name for path in (source / "requirements").iterdir()}
    assert locks == {"bootstrap.txt", "cpu.txt", "gpu.txt", "image.txt", "openvino.txt", "rtx.txt", "tensorrt.txt"}
    assert {path.name for path in (source / "deploy").iterdir()} == {
        "healthcheck.py",
        "keep_models.py",
        "migrate.py",
        "smoke_test.py",
    }


def test_its_operator_has_a_command_line(folder: Path) -> None:
    """With nothing but what is in it."""
    source = folder / "bentoml/bentos/clearcanvas/test/src"
    env = {"PATH": os.environ["PATH"], "CLEARCANVAS_X402__RPC_URL": "none"}
    command = [sys.executable, "-m", "ops", "doctor"]
    ran = subprocess.run(command, cwd=source, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "CLEARCANVAS_X402__RPC_URL: must be a URL with a host" in ran.stdout, ran.stderr


async def test_it_sells(served: RunningService) -> None:
    [answer] = await buy(served, [photograph(quality=90)])
    assert answer.status_code == 200, answer.text


def test_at_the_start_it_names_the_data_without_a_commercial_licence(served: RunningService) -> None:
    said = [line for line in served.log_path.read_text().splitlines() if "training_data_without" in line]
    [told] = map(json.loads, said)
    assert (told["level"], told["alternative"]) == ("warning", "clearcanvas-matte-4-permissive")
    assert any("ECSSD" in name for name in told["data"])


def test_it_has_no_sandbox(folder: Path) -> None:
    """Whoever forgets the profile is told so, instead of selling for play money."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    env |= {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    bentoml = Path(sys.executable).with_name("bentoml")
    ended = subprocess.run(
        [bentoml, "serve", "clearcanvas:test"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "Set CLEARCANVAS_PROFILE to testnet or mainnet" in ended.stderr
    assert "Traceback" not in ended.stderr
