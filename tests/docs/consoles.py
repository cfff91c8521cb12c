"""Console blocks of documents, run in a shell that finds no program of ours, with the files of a clone."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.running_service import RunningService

ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:3000"


def console_blocks(document: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The commands of each block, and the lines that they are said to print."""
    for block in re.findall(r"```console\n(.*?)```", document.read_text(), re.DOTALL):
        lines = block.splitlines()
        yield (
            [line.removeprefix("$ ") for line in lines if line.startswith("$ ")],
            [line for line in lines if not line.startswith("$ ")],
        )


def run_in_clone(folder: Path, service: RunningService, commands: list[str]) -> str:
    """What the commands print, run in a folder that has what a clone has in which `make serve` has run.

    Raises:
        AssertionError: a command failed.
    """
    for name in ("docs", "examples", ".venv"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", "\n".join(commands).replace(ADDRESS, service.url)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
