"""Buyers with a wallet, a folder and pictures of their own, before the running service."""

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buyer_client.buyer import ROOT, Buyer, RailName
from tests.buying import funded_key, unique_photograph
from tests.running_service import RunningService

FUNDS = 10_000_000
RAILS: tuple[RailName, ...] = ("x402", "mpp")


@pytest.fixture
def key(base_chain: BaseChain, tempo_chain: TempoChain) -> str:
    return funded_key(base_chain, tempo_chain, funds=FUNDS)


@pytest.fixture
def buyer(running_service: RunningService, tmp_path: Path, key: str) -> Callable[[RailName], Buyer]:
    """Makes the buyer of one rail."""
    return lambda rail: Buyer(running_service, rail, tmp_path, key)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph that nobody has bought."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(unique_photograph())
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own that has the wheel of `client/`, with the packages of the tests beside it."""
    folder = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    build: list[str | Path] = [uv, "build", "--wheel", "--offline", "--no-cache", ROOT / "client", "-o", folder]
    subprocess.run(build, check=True, capture_output=True, timeout=60)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    [packages] = (folder / "venv").glob("lib/python*/site-packages")
    install: list[str | Path] = [uv, "pip", "install", "--offline", "--no-cache", "--no-deps", wheel]
    here = {"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(folder / "venv")}
    subprocess.run(install, env=here, check=True, capture_output=True, timeout=60)
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv"
