"""The README's first screen, run against the service."""

import re
import shlex
import subprocess
from pathlib import Path

from PIL import Image

from sandbox.accounts import SELLER
from tests.clients.cutouts import PRICE
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


def test_the_first_purchase_works_as_printed_in_a_clone(running_service: RunningService, tmp_path: Path) -> None:
    """In a shell that finds no program of ours, and with the files of a clone that `make serve` has run in."""
    for name in ("docs", "examples", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    block = re.findall(r"```console\n(.*?)```", README, re.DOTALL)[1]
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    earned = running_service.base_chain.balance_of(SELLER.address)
    done = subprocess.run(
        ["/bin/bash", "-c", "\n".join(commands).replace(ADDRESS, running_service.url)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("payment-response: eyJ")
    with Image.open(tmp_path / "cutout.png") as cut_out, Image.open(ROOT / commands[1].split()[2]) as picture:
        assert (cut_out.mode, cut_out.size) == ("RGBA", picture.size)
    assert running_service.base_chain.balance_of(SELLER.address) - earned == PRICE


def test_the_python_of_the_readme_is_the_example_that_the_client_tests_run() -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert snippet in (ROOT / "examples/python/buy_x402.py").read_text()


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
