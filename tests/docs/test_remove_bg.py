"""The programs of docs/remove-bg.md, run as they stand there: clients of remove.bg with another host and a payment."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from sandbox.accounts import BUYER, SELLER
from sandbox.process import ROOT
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE
from tests.docs.consoles import ADDRESS
from tests.running_service import RunningService

PAGE = (ROOT / "docs" / "remove-bg.md").read_text()
NODE_PACKAGES = ROOT / "examples" / "node" / "node_modules"
PROGRAMS = re.findall(r"```(python|typescript)\n(.*?)```", PAGE, re.DOTALL)
PRINTED = ["1", "1", "-1"]


@pytest.mark.parametrize(
    ("program", "printed"), list(zip(PROGRAMS, PRINTED, strict=True)), ids=["httpx", "fetch", "package"]
)
def test_it_buys_one_picture(
    running_service: RunningService, tmp_path: Path, program: tuple[str, str], printed: str
) -> None:
    language, text = program
    (tmp_path / "photo.jpg").write_bytes(unique_photograph())
    file = tmp_path / ("buy.py" if language == "python" else "buy.mts")
    file.write_text(text.replace(ADDRESS, running_service.url))
    (tmp_path / "node_modules").symlink_to(NODE_PACKAGES)
    runner = sys.executable if language == "python" else NODE_PACKAGES / ".bin" / "tsx"
    earned = running_service.base_chain.balance_of(SELLER.address)
    done = subprocess.run(
        [runner, file],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BUYER_KEY": BUYER.key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == printed
    with Image.open(tmp_path / "no-bg.png") as cut_out:
        assert (cut_out.mode, cut_out.size) == ("RGBA", (512, 512))
    assert running_service.base_chain.balance_of(SELLER.address) - earned == PRICE


def test_what_is_to_be_installed_is_what_the_examples_run_with() -> None:
    assert f"`remove-bg-api` {version('remove-bg-api')} of PyPI" in PAGE
    examples = [(ROOT / "examples" / name).read_text() for name in ("python/buy_x402.py", "node/buy_x402_v2.mts")]
    lines = re.findall(r"^(?:pip|npm) install .*$", PAGE, re.MULTILINE)
    assert [line in example for line, example in zip(lines, examples, strict=True)] == [True, True]
