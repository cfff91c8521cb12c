"""Programs that come as wheels (group `deploy-check` in pyproject.toml): real parsers for the files in deploy/."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import ROOT

DEPLOY = ROOT / "deploy"


def program(name: str) -> Path:
    """An installed program; skips the test on platforms for which no wheel carries it."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        pytest.skip(f"no wheel carries {name} for this platform")
    return path


def output_of(command: list[str | Path], *, cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """What it printed; fails the test with what it complained about."""
    run = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout


def json_of(command: list[str | Path], *, cwd: Path, environ: Mapping[str, str] | None = None) -> Any:
    """As `output_of`, for programs that print JSON."""
    return json.loads(output_of(command, cwd=cwd, environ=environ))
