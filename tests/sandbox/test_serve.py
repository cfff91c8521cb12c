"""`python -m sandbox serve`, from the first line to the last process."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT, choose_port
from sandbox.rpc import loopback
from tests.buying import photograph
from tests.waiting import eventually


class Launcher:
    """The running command and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, base_url: str, tempo_url: str) -> None:
        self.process = process
        self.base_url = base_url
        self.tempo_url = tempo_url
        self._log = log

    def printed(self) -> str:
        return self._log.read_text()

    def line(self, start: str) -> str:
        """The printed line to paste that starts so."""
        return next(line for line in self.printed().splitlines() if line.startswith(start))


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    folder = tmp_path_factory.mktemp("serve")
    ports = choose_port(0), choose_port(0)
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0"]
    command += ["--base-port", str(ports[0]), "--tempo-port", str(ports[1])]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLEARCANVAS_")},
        "BENTOML_HOME": str(folder),
        "CLEARCANVAS_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/ledger.sqlite3",
    }
    log = folder / "log"
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT) as process,
    ):
        try:
            eventually(lambda: "Ctrl-C stops" in log.read_text() or process.poll() is not None, seconds=120)
            assert "Ctrl-C stops" in log.read_text(), log.read_text()
            yield Launcher(process, log, *map(loopback, ports))
        finally:
            process.kill()


def test_the_curl_line_asks_for_the_price(launcher: Launcher) -> None:
    answer = subprocess.run(["bash", "-c", launcher.line("curl")], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("HTTP/1.1 402 ")


@pytest.mark.parametrize(
    ("program", "chain"), [("buy_x402.py", BaseChain), ("buy_mpp.py", TempoChain)], ids=["x402", "mpp"]
)
def test_the_python_lines_buy_with_the_printed_key(
    launcher: Launcher, tmp_path: Path, program: str, chain: type[BaseChain | TempoChain]
) -> None:
    photo, out = tmp_path / "photo.jpg", tmp_path / "cutout.png"
    photo.write_bytes(photograph(quality=75))
    line = re.search(rf"^BUYER_KEY=.*{program} .*$", launcher.printed(), re.MULTILINE)
    assert line
    pasted = line[0].replace("photo.jpg", str(photo)).replace("cutout.png", str(out))
    with chain.connect(launcher.base_url if chain is BaseChain else launcher.tempo_url) as ledger:
        before = ledger.balance_of(SELLER.address)
        subprocess.run(["bash", "-c", pasted], cwd=ROOT, check=True, timeout=60)
        assert ledger.balance_of(SELLER.address) == before + 50_000
    assert out.read_bytes().startswith(b"\x89PNG")


def test_ctrl_c_stops_everything(launcher: Launcher) -> None:
    """Last of this file: nothing runs afterwards."""
    service = re.search(r"^service +(http\S+)$", launcher.printed(), re.MULTILINE)
    assert service
    family = descendants(launcher.process.pid)
    assert len(family) >= 6  # two nodes, the shim, BentoML's supervisor, the runner and the API

    launcher.process.send_signal(signal.SIGINT)

    assert launcher.process.wait(timeout=30) == 0
    assert launcher.printed().endswith("Stopped.\n")
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    for url in (service[1], launcher.base_url, launcher.tempo_url):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def descendants(pid: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [pid for child in children for pid in descendants(child)]
