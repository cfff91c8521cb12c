"""The shim forwards faithfully, and disturbs exactly what it is told to."""

import time
from collections.abc import Iterator

import httpx
import pytest
from eth_account import Account as Keys
from eth_utils.address import to_checksum_address

from sandbox.accounts import SECOND_BUYER
from sandbox.calls import call_data
from sandbox.chains import TempoChain
from sandbox.process import SandboxError
from sandbox.rpc import Rpc
from sandbox.rpc_proxy import Control, Mode, shim


@pytest.fixture(scope="module")
def rpc(tempo_chain: TempoChain) -> Iterator[Rpc]:
    """A shim of this file's own, so that faults hit nobody else; each may stand before another."""
    with shim(tempo_chain.rpc_url, TempoChain.chain_id) as rpc:
        yield rpc


@pytest.fixture
def control(rpc: Rpc) -> Iterator[Control]:
    control = Control(rpc.url)
    yield control
    control.clear()


def signed_transfer(rpc: Rpc, to: str, units: int) -> str:
    transaction = {
        "chainId": TempoChain.chain_id,
        "nonce": int(rpc.call("eth_getTransactionCount", SECOND_BUYER.address, "pending"), 16),
        "to": to_checksum_address(TempoChain.token),
        "data": call_data("transfer(address,uint256)", to, units),
        "value": 0,
        "gas": 2_000_000,
        "gasPrice": int(rpc.call("eth_gasPrice"), 16) * 2,
    }
    raw: bytes = Keys.sign_transaction(transaction, SECOND_BUYER.key).raw_transaction
    return "0x" + raw.hex()


def test_a_raw_transaction_is_sent_as_tempo_nodes_take_it(rpc: Rpc, tempo_chain: TempoChain) -> None:
    """The second parameter, a timeout in milliseconds, is what a bare anvil refuses."""
    payee = Keys.create().address
    receipt = rpc.call("eth_sendRawTransactionSync", signed_transfer(rpc, payee, 50_000), 20_000)
    assert receipt["status"] == "0x1"
    assert tempo_chain.balance_of(payee) == 50_000


def test_errors_of_the_chain_come_through(rpc: Rpc) -> None:
    with pytest.raises(SandboxError, match="eth_noSuchMethod"):
        rpc.call("eth_noSuchMethod")


def test_a_batch_is_answered_as_a_batch(rpc: Rpc) -> None:
    call = {"jsonrpc": "2.0", "method": "eth_chainId", "params": ()}
    answer = httpx.post(rpc.url, json=[{**call, "id": 1}, {**call, "id": 2}]).json()
    assert [(part["id"], part["result"]) for part in answer] == [
        (1, hex(TempoChain.chain_id)),
        (2, hex(TempoChain.chain_id)),
    ]


def test_calls_are_counted_by_method(rpc: Rpc, control: Control) -> None:
    before = control.calls()
    rpc.call("eth_blockNumber")
    rpc.call("eth_blockNumber")
    assert control.calls() - before == {"eth_blockNumber": 2}


def test_error5xx_answers_503(rpc: Rpc, control: Control) -> None:
    control.inject("error5xx")
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        rpc.call("eth_chainId")


def test_rpcerror_answers_a_json_rpc_error(rpc: Rpc, control: Control) -> None:
    control.inject("rpcerror")
    with pytest.raises(SandboxError, match="injected fault"):
        rpc.call("eth_chainId")


def test_hang_gives_no_answer(rpc: Rpc, control: Control) -> None:
    control.inject("hang", seconds=5)
    with Rpc(rpc.url, timeout=0.3) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.call("eth_chainId")


def test_slow_answers_late(rpc: Rpc, control: Control) -> None:
    control.inject("slow", seconds=0.3)
    start = time.monotonic()
    assert rpc.call("eth_chainId") == hex(TempoChain.chain_id)
    assert time.monotonic() - start >= 0.3


def test_drop_after_send_loses_only_the_answer(rpc: Rpc, control: Control, tempo_chain: TempoChain) -> None:
    payee = Keys.create().address
    raw = signed_transfer(rpc, payee, 50_000)
    control.inject("drop_after_send")
    with pytest.raises(httpx.HTTPStatusError, match="504"):
        rpc.call("eth_sendRawTransactionSync", raw, 20_000)
    assert tempo_chain.balance_of(payee) == 50_000


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang", "drop_after_send"])
def test_a_fault_hits_the_named_methods_only(rpc: Rpc, control: Control, mode: Mode) -> None:
    control.inject(mode, methods=["eth_gasPrice"], seconds=0)
    assert rpc.call("eth_chainId") == hex(TempoChain.chain_id)
    with pytest.raises((httpx.HTTPStatusError, SandboxError)):
        rpc.call("eth_gasPrice")


def test_a_fault_ends_after_its_count(rpc: Rpc, control: Control) -> None:
    control.inject("rpcerror", methods=["eth_gasPrice"], count=2)
    rpc.call("eth_chainId")
    for _ in range(2):
        with pytest.raises(SandboxError):
            rpc.call("eth_gasPrice")
    assert int(rpc.call("eth_gasPrice"), 16) > 0


def test_an_unknown_order_is_refused(rpc: Rpc) -> None:
    assert httpx.post(f"{rpc.url}/ctl", json={"mode": "explode"}).status_code == 400
    assert rpc.call("eth_chainId") == hex(TempoChain.chain_id)
