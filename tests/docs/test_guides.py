"""Every snippet of the guides, taken from the served pages and run as printed, in an environment of its own.

The lines that install clients are not run here, because they load hundreds of packages: each is compared with what is
installed for the tests, and stands for it.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from sandbox.accounts import BUYER, SELLER
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.fakes.serving import TRUST
from tests.running_service import RunningService

ROOT = Path(__file__).parents[2]
NODE_PACKAGES = ROOT / "examples" / "node" / "node_modules"
INSTALL = re.compile(r"^(?:buyer/bin/)?(?:pip|npm) install .*$", re.MULTILINE)
PRINTED = ("wallet", "price", "install-signer", "pay", "python", "program-python", "node", "program-typescript")
RAILS = ["x402", "mpp"]
SIZE = (512, 512)


def snippets(service: RunningService, path: str) -> dict[str, str]:
    """The text of every block of code of a page, by its id."""
    page = httpx.get(f"{service.url}{path}", trust_env=False, verify=TRUST).raise_for_status().text
    found = re.findall(r'<pre [^>]*id="([^"]+)"><code class="language-\w+">(.*?)</code></pre>', page, re.DOTALL)
    assert len(found) == page.count("<pre")
    return {name: html.unescape(text) for name, text in found}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder as somebody has it who did what the install lines say; nothing else of ours is in it."""
    venv.create(tmp_path / "buyer", with_pip=False, symlinks=True)
    [packages] = (tmp_path / "buyer").glob("lib/python*/site-packages")
    (packages / "installed.pth").write_text(sysconfig.get_path("purelib"))
    if not NODE_PACKAGES.exists():
        pytest.fail("examples/node/node_modules is missing. Run: make setup")
    (tmp_path / "node_modules").symlink_to(NODE_PACKAGES)
    (tmp_path / "photo.jpg").write_bytes(unique_photograph())
    return tmp_path


def run(desk: Path, service: RunningService, *printed: str) -> str:
    """What the snippets print, run one after the other in one shell that finds no program of ours."""
    values = {"0x...": BUYER.key, "http://127.0.0.1:18546": service.tempo_chain.rpc_url}
    script = "\n".join(["set -eu", *printed])
    for placeholder, value in values.items():
        script = script.replace(placeholder, value)
    script = INSTALL.sub("", script).replace("python3 -m venv buyer\n", "")
    node = Path(shutil.which("node") or pytest.fail("no Node.js here")).parent
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=desk,
        env={"PATH": f"/usr/bin:/bin:{_only_node(desk, node)}", "HOME": str(desk)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _only_node(desk: Path, node: Path) -> Path:
    """A folder with Node.js alone, wherever it was installed: beside it are programs of ours."""
    folder = desk / "bin"
    if not folder.exists():
        folder.mkdir()
        for name in ("node", "npx"):
            (folder / name).symlink_to(node / name)
    return folder


@pytest.fixture
def earned(running_service: RunningService, request: pytest.FixtureRequest) -> Iterator[None]:
    """After the test the seller has got the price of one picture on the rail of the test."""
    rail = request.getfixturevalue("rail")
    chain = running_service.base_chain if rail == "x402" else running_service.tempo_chain
    before = chain.balance_of(SELLER.address)
    yield
    assert chain.balance_of(SELLER.address) - before == PRICE


@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.usefixtures("earned")
def test_the_quick_start_buys_a_picture(running_service: RunningService, desk: Path, rail: str) -> None:
    printed = snippets(running_service, f"/guides/{rail}")
    assert "402" in run(desk, running_service, printed["price"])
    parts = [printed[name] for name in ("wallet", "price", "install-signer", "pay")]
    out = run(desk, running_service, *parts)
    assert "200" in out
    assert re.search(r"(?i)^payment-re(sponse|ceipt): \S+", out, re.MULTILINE)
    assert_cut_out((desk / "cutout.png").read_bytes(), size=SIZE)


@pytest.mark.parametrize("rail", RAILS)
@pytest.mark.parametrize("kind", ["python", "node"])
@pytest.mark.usefixtures("earned")
def test_the_programs_buy_a_picture(running_service: RunningService, desk: Path, rail: str, kind: str) -> None:
    printed = snippets(running_service, f"/guides/{rail}")
    out = run(desk, running_service, printed["wallet"], printed[kind])
    assert json.loads(out)["status"] == 200
    assert_cut_out((desk / "cutout.png").read_bytes(), size=SIZE)
    [fetched] = [path for path in desk.glob("buy_*") if path.is_file()]
    program = printed["program-python" if kind == "python" else "program-typescript"]
    assert fetched.read_text().strip() == program


@pytest.mark.parametrize("rail", RAILS)
def test_both_languages_print_the_same(running_service: RunningService, rail: str) -> None:
    printed = snippets(running_service, f"/guides/{rail}")
    assert snippets(running_service, f"/de/guides/{rail}") == printed
    rest = {"problem"} | ({"fund"} if rail == "mpp" else set())
    assert printed.keys() == {*PRINTED, *rest}


@pytest.mark.parametrize("rail", RAILS)
def test_what_is_to_be_installed_is_what_the_tests_run_with(running_service: RunningService, rail: str) -> None:
    lines = [line for text in snippets(running_service, f"/guides/{rail}").values() for line in INSTALL.findall(text)]
    assert len(lines) == 3
    for line in lines:
        for package, pinned in re.findall(r"([@\w/-]+)(?:\[[\w,]+\])?[@=]=?(\d[\w.]*)", line):
            assert _installed(package, is_python="pip" in line) == pinned, line


def _installed(package: str, *, is_python: bool) -> str:
    if is_python:
        return version(package)
    found: str = json.loads((NODE_PACKAGES / package / "package.json").read_text())["version"]
    return found


def test_the_error_that_is_shown_is_one_that_comes(running_service: RunningService, desk: Path) -> None:
    shown = json.loads(snippets(running_service, "/guides/x402")["problem"])
    came = httpx.get(f"{running_service.url}/nothing", trust_env=False, verify=TRUST).json()
    assert shown.keys() - {"payment_state"} <= came.keys() | {"payment_state"}
    page = httpx.get(f"{running_service.url}{shown['type']}", trust_env=False, verify=TRUST)
    assert shown["code"] in page.text


def test_the_tests_use_a_shell_without_our_programs(running_service: RunningService, desk: Path) -> None:
    assert run(desk, running_service, "command -v bentoml mppx pytest || echo none").strip() == "none"
    assert str(Path(sys.executable).parent) not in run(desk, running_service, "echo $PATH").split(os.pathsep)
