"""Every program in examples/ buys from the running service, as a stranger would run it."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from sandbox.accounts import BUYER, SELLER
from tests.clients.cutouts import PRICE, assert_cut_out, assert_paid_us
from tests.pictures import SIZE
from tests.running_service import RunningService

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NODE_PACKAGES = EXAMPLES / "node" / "node_modules" / ".bin"
TSX = NODE_PACKAGES / "tsx"
X402_V1_PYTHON = ROOT / ".venv-x402v1" / "bin" / "python"


@dataclass(frozen=True)
class Program:
    """One example: what runs it, what must be installed for it, and over which rail it pays."""

    path: str
    rail: Literal["x402", "mpp"]
    runner: str | Path
    needs: Path | None = None


PROGRAMS = [
    Program("python/buy_x402.py", "x402", sys.executable),
    Program("python/buy_x402_v1.py", "x402", X402_V1_PYTHON, needs=X402_V1_PYTHON),
    Program("python/buy_mpp.py", "mpp", sys.executable),
    Program("node/buy_x402_v2.mts", "x402", TSX, needs=TSX),
    Program("node/buy_x402_v1.mts", "x402", TSX, needs=TSX),
    Program("node/buy_mpp.mts", "mpp", TSX, needs=TSX),
    Program("curl/buy_x402.sh", "x402", "bash"),
    Program("curl/buy_mpp.sh", "mpp", "bash", needs=NODE_PACKAGES),
]


def test_every_example_is_bought_with() -> None:
    """A new example program cannot be forgotten here."""
    programs = {f"{path.parent.name}/{path.name}" for path in EXAMPLES.glob("*/buy_*")}
    assert programs == {program.path for program in PROGRAMS}


def test_the_typescript_programs_keep_to_their_types() -> None:
    command = [str(NODE_PACKAGES / "tsc"), "--project", str(EXAMPLES / "node")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.path)
def test_a_stranger_buys_a_cut_out(
    program: Program, running_service: RunningService, photo: Path, tmp_path: Path
) -> None:
    """The program gets the picture for one payment of $0.05, and its receipt names the transaction that paid us."""
    chain = running_service.base_chain if program.rail == "x402" else running_service.tempo_chain
    ours, theirs = chain.balance_of(SELLER.address), chain.balance_of(BUYER.address)
    out = tmp_path / "cutout.png"

    printed = run(program, running_service, photo, out)

    assert_cut_out(out.read_bytes(), size=SIZE)
    assert_paid_us(chain, _transaction(printed))
    assert chain.balance_of(SELLER.address) - ours == PRICE
    spent = theirs - chain.balance_of(BUYER.address)
    if program.rail == "x402":
        assert spent == PRICE
    else:
        assert PRICE <= spent < PRICE + 10_000, "the network's fee comes on top where the wallet pays it in pathUSD"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.path)
def test_a_stranger_learns_why_nothing_was_bought(
    program: Program, running_service: RunningService, tmp_path: Path
) -> None:
    """The program fails with the service's reason, and writes no picture."""
    broken, out = tmp_path / "broken.jpg", tmp_path / "cutout.png"
    broken.write_bytes(b"not a picture")
    with pytest.raises(subprocess.CalledProcessError) as failure:
        run(program, running_service, broken, out)
    assert "invalid_image" in failure.value.stderr
    assert not out.exists()


def run(program: Program, service: RunningService, image: Path, out: Path, *, origin: str | None = None) -> str:
    """What the program prints; at another address than the service's own, if one is given.

    Raises:
        CalledProcessError: it bought nothing.
    """
    if program.needs and not program.needs.exists():
        pytest.fail(f"{program.needs.relative_to(ROOT)} is missing. Run: make setup")
    url = f"{origin or service.url}/v1/remove-background"
    command = [str(program.runner), str(EXAMPLES / program.path), url, str(image), str(out)]
    done = subprocess.run(command, env=_environment(service), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


def _environment(service: RunningService) -> Mapping[str, str]:
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": os.environ["HOME"],
        "BUYER_KEY": BUYER.key,
        "TEMPO_RPC_URL": service.tempo_chain.rpc_url,
    }


def _transaction(printed: str) -> str:
    """The hash in the receipt: JSON from the programs, the header as it came from curl."""
    if printed.startswith("{"):
        receipt = json.loads(printed)["receipt"]
    else:
        receipt = json.loads(base64.urlsafe_b64decode(printed.split(": ")[1].strip() + "=="))
    transaction: str = receipt.get("transaction") or receipt["reference"]
    return transaction
