"""The README's first screen, run against the service."""

import re
import shlex
import subprocess
from pathlib import Path

from PIL import Image

from sandbox.accounts import SELLER
from tests.clients.cutouts import PRICE
from tests.docs.consoles import ADDRESS, ROOT, console_blocks, run_in_clone
from tests.running_service import RunningService

README = (ROOT / "README.md").read_text()
OTHERS = ("-sS", "-H", "X-Forwarded-For: 192.0.2.77")


def test_the_first_curl_line_prints_what_the_readme_shows(running_service: RunningService) -> None:
    ([command], shown), *_ = console_blocks(ROOT / "README.md")
    arguments = [*shlex.split(command.replace(ADDRESS, running_service.url)), *OTHERS]
    printed = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=30).stdout
    head, _, body = printed.partition("\n\n")
    for line in shown[: shown.index("")]:
        start = line.split(" id=")[0].split(" eyJ")[0].split(";r=")[0]
        assert start in head, f"{start!r} is not in the answer"
    for member in re.findall(r'"(\w+)":', "".join(shown[shown.index("") :])):
        assert f'"{member}":' in body


def test_the_first_purchase_works_as_printed_in_a_clone(running_service: RunningService, tmp_path: Path) -> None:
    _, (commands, _), *_ = console_blocks(ROOT / "README.md")
    earned = running_service.base_chain.balance_of(SELLER.address)
    printed = run_in_clone(tmp_path, running_service, commands)
    assert printed.startswith("payment-response: eyJ")
    with Image.open(tmp_path / "cutout.png") as cut_out, Image.open(ROOT / commands[1].split()[2]) as picture:
        assert (cut_out.mode, cut_out.size) == ("RGBA", picture.size)
    assert running_service.base_chain.balance_of(SELLER.address) - earned == PRICE


def test_the_python_of_the_readme_is_the_example_that_the_client_tests_run() -> None:
    [snippet] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert snippet in (ROOT / "examples/python/buy_x402.py").read_text()


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
