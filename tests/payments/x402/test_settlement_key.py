"""The settlement key signs what eth-account signs, with the key in memory or at anvil."""

from collections.abc import AsyncIterator

import pytest

from payments.evm.transaction_signer import Call
from payments.outbox import Sent
from payments.x402.config import X402Config
from payments.x402.fees import GAS_LIMIT, Fees
from payments.x402.settlement_key import SettlementKey, settlement_key
from sandbox.accounts import SETTLER
from sandbox.chains import BaseChain
from tests.contracts.signer_contract import as_eth_account_signs

DATA = "0xe3ee160e" + "00ff" * 144


def signed_by_eth_account(sent: Sent) -> tuple[str, bytes]:
    data = "0x" if sent.is_cancellation else sent.data
    fees = sent.max_fee, sent.max_tip
    return as_eth_account_signs(Call(sent.chain_id, sent.nonce, sent.to, data, *fees, GAS_LIMIT))


@pytest.fixture(params=["memory", "anvil"])
async def key(request: pytest.FixtureRequest, base_chain: BaseChain) -> AsyncIterator[SettlementKey]:
    remote = {"signer_url": base_chain.rpc_url, "signer_address": SETTLER.address.lower()}
    given = {"settlement_key": SETTLER.key} if request.param == "memory" else remote
    key = settlement_key(X402Config.model_validate({"chain_id": BaseChain.chain_id, **given}))
    yield key
    await key.aclose()


async def test_signs_replacement_and_cancellation_as_eth_account_does(key: SettlementKey) -> None:
    sent = await key.sign(BaseChain.token, DATA, nonce=2**32, fees=Fees(2**70, 2**40), reference="payment")
    bumped = await key.replacement(sent, Fees(2**71, 2**41))
    assert (bumped.attempt, bumped.nonce, bumped.data) == (2, sent.nonce, sent.data)
    cancelled = await key.replacement(key.cancellation(sent), Fees(2**71, 2**41))
    again = await key.replacement(cancelled, Fees(2**72, 2**42))
    assert (cancelled.to, cancelled.data) == (again.to, again.data) == (key.address, DATA)
    for each in (sent, bumped, cancelled, again):
        assert (each.hash, each.raw) == signed_by_eth_account(each)
    assert key.address == SETTLER.address


def test_needs_a_key_or_a_signer() -> None:
    with pytest.raises(ValueError, match=r"x402\.settlement_key is missing"):
        settlement_key(X402Config())
    with pytest.raises(ValueError, match=r"x402\.signer_address is missing"):
        settlement_key(X402Config.model_validate({"signer_url": "http://127.0.0.1:9"}))
