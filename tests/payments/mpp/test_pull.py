"""The SDK's method, narrowed to pull mode."""

from typing import Any

import httpx
import pytest
from mpp.methods import Method
from pydantic import ValidationError

from payments.mpp.pull import NoopReplayStore, pull_charge
from sandbox.accounts import SELLER
from sandbox.chains import TempoChain


@pytest.fixture
def method() -> Method[Any, Any]:
    (served,) = pull_charge(
        recipient=SELLER.address,
        currencies=[TempoChain.token],
        chain_id=TempoChain.chain_id,
        rpc_url="http://127.0.0.1:9",
        client=httpx.AsyncClient(),
        confirmation_s=1.0,
    )
    return served.method


def test_a_request_says_pull_and_keeps_the_rest(method: Method[Any, Any]) -> None:
    request = {"amount": "0.05", "currency": TempoChain.token, "recipient": SELLER.address, "chain_id": 42431}
    assert method.normalize_request(request) == {
        "amount": "50000",
        "currency": TempoChain.token,
        "recipient": SELLER.address,
        "methodDetails": {"chainId": 42431, "supportedModes": ["pull"]},
    }


def test_a_signed_transaction_is_a_payload(method: Method[Any, Any]) -> None:
    assert method.parse_payload({"type": "transaction", "signature": "0x76"}).signature == "0x76"


@pytest.mark.parametrize("payload", [{"type": "hash", "hash": "0x12"}, {"type": "proof", "signature": "0x12"}])
def test_nothing_else_is(method: Method[Any, Any], payload: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        method.parse_payload(payload)


async def test_the_store_never_stands_in_the_way() -> None:
    """However often a transaction is settled again, and however many there were before."""
    store = NoopReplayStore()
    assert all([await store.put_if_absent(f"mpp:charge:{number % 7}", "0x") for number in range(20_000)])
