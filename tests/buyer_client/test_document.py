"""docs/client.md: its commands and programs run as printed, with what is built of `client/`."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from clearcanvas import errors
from clearcanvas.cli import app
from sandbox.accounts import BUYER
from tests.buyer_client.buyer import ROOT, Buyer, RailName
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE
from tests.docs.consoles import ADDRESS, console_blocks

DOCUMENT = ROOT / "docs" / "client.md"
SANDBOX_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with two photographs, as the document's reader has it."""
    (tmp_path / "photos").mkdir()
    for name in ("cat.JPG", "dog"):
        (tmp_path / "photos" / name).write_bytes(unique_photograph())
    return tmp_path


def run(one: Buyer, desk: Path, installed: Path, script: str) -> str:
    """What a script prints, in a shell that finds the installed client and nothing else of ours."""
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", script.replace(ADDRESS, one.service.url).replace(SANDBOX_KEY, one.key)],
        cwd=desk,
        env={"PATH": f"{installed / 'bin'}:/usr/bin:/bin", "HOME": str(desk), "BUYER_KEY": one.key, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_print_what_is_shown(buyer: Callable[[RailName], Buyer], desk: Path, installed: Path) -> None:
    one = buyer("x402")
    [(commands, shown)] = console_blocks(DOCUMENT)
    printed = run(one, desk, installed, "\n".join(commands))
    assert [line for line in shown if line not in printed] == []
    results = {path.relative_to(desk).as_posix() for path in desk.glob("*/*") if path.suffix in {".png", ".webp"}}
    assert results == {"cutouts/cat.png", "cutouts/dog.png", "webp/cat.webp"}
    assert one.transfers() == [PRICE] * 3


def test_the_programs_buy(buyer: Callable[[RailName], Buyer], desk: Path, installed: Path) -> None:
    one = buyer("x402")
    programs = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(programs) == 2
    for number, program in enumerate(programs):
        (desk / f"{number}.py").write_text(program.replace(ADDRESS, one.service.url))
    sync = run(one, desk, installed, "python 0.py").splitlines()
    assert sync[0] == "50000"
    assert re.fullmatch("bought 0x[0-9a-f]{64}", sync[1])
    assert "not a picture" in sync[2]
    assert run(one, desk, installed, "python 1.py").count("bought image/png") == 2
    assert one.transfers() == [PRICE] * 3


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = DOCUMENT.read_text().partition("Exit codes:")[2].partition("##")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    assert documented == codes | {0, app.UNEXPECTED, 130}
    for code in documented:
        assert re.search(rf"\b{code}\b", app.EPILOG)


def test_the_key_that_is_printed_is_the_sandbox_buyers() -> None:
    assert SANDBOX_KEY in DOCUMENT.read_text()
    assert BUYER.key == SANDBOX_KEY
