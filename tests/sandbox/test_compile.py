"""The committed artefacts are what the compiler makes of the committed sources."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from sandbox.chains import CONTRACTS, artefact

CONTRACT_NAMES = sorted(source.stem for source in CONTRACTS.glob("*.sol"))


def test_compiling_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    subprocess.run(["node", CONTRACTS / "compile.mjs", tmp_path], check=True, timeout=60)
    assert sorted(made.stem for made in tmp_path.iterdir()) == CONTRACT_NAMES
    for made in tmp_path.iterdir():
        assert made.read_bytes() == (CONTRACTS / made.name).read_bytes()


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_the_artefact_names_its_source(name: str) -> None:
    assert artefact(name)["source_sha256"] == hashlib.sha256((CONTRACTS / f"{name}.sol").read_bytes()).hexdigest()
