"""`make demo`: one cut-out per rail, with receipts."""

import json
from pathlib import Path

import pytest

from sandbox.accounts import SELLER
from sandbox.demo import demo
from sandbox.process import SandboxError, choose_port
from tests.clients.cutouts import PRICE, assert_cut_out, assert_paid_us
from tests.pictures import SIZE
from tests.running_service import RunningService


def _demo(service: RunningService, photo: Path, out: Path) -> bool:
    base, tempo = service.base_chain.rpc_url, service.tempo_chain.rpc_url
    return demo(photo, out, url=service.url, base_rpc_url=base, tempo_rpc_url=tempo)


def test_one_cut_out_is_bought_on_each_rail(
    running_service: RunningService, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pictures and receipts are written, and the table shows the transactions that paid us."""
    chains = {"x402": running_service.base_chain, "mpp": running_service.tempo_chain}
    earned = {rail: chain.balance_of(SELLER.address) for rail, chain in chains.items()}

    assert _demo(running_service, photo, tmp_path / "demo")

    shown = capsys.readouterr().out
    for rail, chain in chains.items():
        assert_cut_out((tmp_path / "demo" / f"{rail}.png").read_bytes(), size=SIZE)
        receipt = json.loads((tmp_path / "demo" / f"{rail}.receipt.json").read_text())
        transaction = receipt.get("transaction") or receipt["reference"]
        assert_paid_us(chain, transaction)
        assert transaction in shown
        assert chain.balance_of(SELLER.address) - earned[rail] == PRICE


def test_a_refusal_is_kept_as_the_problem_it_is(running_service: RunningService, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    assert not _demo(running_service, broken, tmp_path / "demo")
    assert json.loads((tmp_path / "demo" / "x402.problem.json").read_text())["code"] == "invalid_image"
    assert not (tmp_path / "demo" / "x402.png").exists()


def test_without_a_service_it_says_what_to_do(photo: Path, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{choose_port(0)}"
    with pytest.raises(SandboxError, match="make serve"):
        demo(photo, tmp_path, url=nowhere, base_rpc_url=nowhere, tempo_rpc_url=nowhere)
