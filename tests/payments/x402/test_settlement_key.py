"""The settlement key signs what eth-account signs, to the byte."""

import pytest
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_account import Account
from eth_typing import HexAddress, HexStr

from payments.outbox import Sent
from payments.x402.fees import GAS_LIMIT, Fees
from payments.x402.settlement_key import SettlementKey
from sandbox.accounts import SETTLER

TO = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
DATA = "0xe3ee160e" + "00ff" * 144


def as_eth_account_signs(sent: Sent) -> tuple[str, bytes]:
    signed = Account.from_key(SETTLER.key).sign_transaction(
        {
            "to": HexAddress(HexStr(sent.to)),
            "data": HexStr("0x" if sent.is_cancellation else sent.data),
            "value": 0,
            "chainId": sent.chain_id,
            "gas": GAS_LIMIT,
            "nonce": sent.nonce,
            "maxFeePerGas": sent.max_fee,
            "maxPriorityFeePerGas": sent.max_tip,
        }
    )
    return signed.hash.to_0x_hex(), bytes(signed.raw_transaction)


@pytest.mark.parametrize("chain_id", [8453, 84532])
def test_signs_as_eth_account_does(chain_id: int) -> None:
    """Of so many signatures some begin with a zero byte, which the encoding leaves out."""
    key = SettlementKey(SETTLER.key, chain_id=chain_id)
    shortest = 32
    for nonce in range(300):
        fees = Fees(max_fee=10**9 * nonce + 7, max_tip=10**6 * (nonce % 3))
        sent = key.sign(TO, DATA if nonce % 2 else "0x", nonce=nonce, fees=fees, reference="payment")
        assert (sent.hash, sent.raw) == as_eth_account_signs(sent)
        *_, r, s = rlp.decode(sent.raw[1:])
        shortest = min(shortest, len(r), len(s))
    assert shortest < 32


def test_signs_replacement_and_cancellation_as_eth_account_does() -> None:
    key = SettlementKey(SETTLER.key, chain_id=84532)
    sent = key.sign(TO, DATA, nonce=2**32, fees=Fees(2**70, 2**40), reference="payment")
    bumped = key.replacement(sent, Fees(2**71, 2**41))
    assert (bumped.attempt, bumped.nonce, bumped.data) == (2, sent.nonce, sent.data)
    cancelled = key.replacement(key.cancellation(sent), Fees(2**71, 2**41))
    again = key.replacement(cancelled, Fees(2**72, 2**42))
    assert (cancelled.to, cancelled.data) == (again.to, again.data) == (key.address, DATA)
    for each in (sent, bumped, cancelled, again):
        assert (each.hash, each.raw) == as_eth_account_signs(each)
    assert key.address == Account.from_key(SETTLER.key).address


@pytest.mark.parametrize("to", ["0x036CbD", "", TO + "00"])
def test_sends_nothing_to_what_is_not_an_address(to: str) -> None:
    """An empty one would make a contract of the call."""
    with pytest.raises(ValueError):  # noqa: PT011 - eth-utils' own
        SettlementKey(SETTLER.key, chain_id=84532).sign(to, DATA, nonce=0, fees=Fees(2, 1), reference="payment")
