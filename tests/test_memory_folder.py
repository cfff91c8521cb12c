"""Temporary files in memory: only where a program can run there and there is room, and only for the run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.process import ROOT
from tests.memory_folder import IN_MEMORY, is_usable


def test_a_folder_that_does_not_exist_is_not_used(tmp_path: Path) -> None:
    assert not is_usable(tmp_path / "none")


def test_a_folder_in_which_no_program_runs_is_not_used() -> None:
    assert not is_usable(Path("/proc"))


@pytest.mark.skipif(not is_usable(IN_MEMORY), reason="this machine has no such folder, or too little room in it")
def test_a_run_leaves_nothing_there(tmp_path: Path) -> None:
    test = tmp_path / "test_one.py"
    test.write_text("def test_it(tmp_path):\n    (tmp_path / 'file').touch()\n    print(tmp_path)\n")
    env = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    plugins = ["-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "tests.memory_folder"]
    command = [sys.executable, "-m", "pytest", "-q", "-s", *plugins]
    ended = subprocess.run(
        [*command, "-c", os.devnull, str(test)], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    folder = Path(next(line for line in ended.stdout.splitlines() if line.startswith(str(IN_MEMORY))))
    assert not folder.exists()
    assert ended.stderr == ""
