"""The README's first screen, run against the service."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.running_service import RunningService

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:3000"
OTHERS = ("-sS", "-H", "X-Forwarded-For: 192.0.2.77")


def _console(number: int) -> tuple[str, list[str]]:
    """The command of the n-th console block, and the lines that it is said to print."""
    block = re.findall(r"```console\n(.*?)```", README, re.DOTALL)[number]
    command, *lines = block.splitlines()
    return command.removeprefix("$ "), lines


def test_the_first_curl_line_prints_what_the_readme_shows(running_service: RunningService) -> None:
    command, shown = _console(0)
    arguments = [*shlex.split(command.replace(ADDRESS, running_service.url)), *OTHERS]
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=30).stdout
    head, _, body = printed.partition("\n\n")
    for line in shown[: shown.index("")]:
        start = line.split(" id=")[0].split(" eyJ")[0].split(";r=")[0]
        assert start in head, f"{start!r} is not in the answer"
    for member in re.findall(r'"(\w+)":', "".join(shown[shown.index("") :])):
        assert f'"{member}":' in body


def test_the_python_of_the_readme_is_the_example_that_the_client_tests_run() -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert snippet in (ROOT / "examples/python/buy_x402.py").read_text()


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
