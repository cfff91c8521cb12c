"""The units as systemd reads them, with the settings that they give."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config.loading import names, variable
from runners.config import RunnerConfig
from tests.deploy.programs import DEPLOY

UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HARDENED = (
    "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "CapabilityBoundingSet=",
    "RestrictNamespaces=yes", "DynamicUser=yes",
)  # fmt: skip


def environment(unit: Path) -> dict[str, str]:
    lines = re.findall(r"^Environment=(.*)$", unit.read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_it(unit: Path) -> None:
    """But for the program, which is not in /opt here."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    run = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    complaints = [line for line in run.stderr.splitlines() if unit.name in line]
    assert [line for line in complaints if "bentoml is not executable" not in line] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_is_closed(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert [each for each in HARDENED if each not in lines] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_it_sets_what_there_is_to_set(unit: Path) -> None:
    known = {variable(name) for name in names()}
    ours = {name.removesuffix("_FILE") for name in environment(unit) if name.startswith("CLEARCANVAS_")}
    assert ours <= known


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_every_secret_is_a_credential_that_it_loads(unit: Path) -> None:
    loaded = set(re.findall(r"^LoadCredential=(\w+):", unit.read_text(), re.MULTILINE))
    assert {value.removeprefix("%d/") for name, value in environment(unit).items() if name.endswith("_FILE")} == loaded
    assert loaded


def test_both_are_there_and_meet_on_the_runners_port() -> None:
    runner, api = (DEPLOY / "systemd" / f"clearcanvas-{name}.service" for name in ("runner", "api"))
    assert [runner, api] == UNITS[::-1]
    assert environment(runner)["BENTOML_PORT"] == str(RunnerConfig().port)
    assert environment(api)["CLEARCANVAS_RUNNER__ADDRESSES"] == f"http://127.0.0.1:{RunnerConfig().port}"
