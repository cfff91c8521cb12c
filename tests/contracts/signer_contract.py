"""What every signer of transactions promises, as one class of tests: inherit it and provide the fixture at its top."""

import asyncio
from dataclasses import replace

import pytest
from eth_account import Account
from eth_typing import HexAddress, HexStr

from payments.evm.transaction_signer import Call, TransactionSigner, is_signed
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain

CALL = Call(
    chain_id=BaseChain.chain_id,
    nonce=2**32,
    to=BaseChain.token,
    data="0xe3ee160e" + "00ff" * 144,
    max_fee=2**70,
    max_tip=2**40,
    gas_limit=300_000,
)
CALLS = (
    CALL,
    replace(CALL, nonce=0),
    replace(CALL, data="0x", to=SETTLER.address, gas_limit=21_000),
    replace(CALL, max_fee=0, max_tip=0),
)


def as_eth_account_signs(call: Call) -> tuple[str, bytes]:
    """Hash and bytes."""
    signed = Account.from_key(SETTLER.key).sign_transaction(
        {
            "to": HexAddress(HexStr(call.to)),
            "data": HexStr(call.data),
            "value": 0,
            "chainId": call.chain_id,
            "gas": call.gas_limit,
            "nonce": call.nonce,
            "maxFeePerGas": call.max_fee,
            "maxPriorityFeePerGas": call.max_tip,
        }
    )
    return signed.hash.to_0x_hex(), bytes(signed.raw_transaction)


class SignerContract:
    """Inherit as `class TestMySigner(SignerContract)`. Its signatures have to be deterministic (RFC 6979)."""

    @pytest.fixture
    def signer(self) -> TransactionSigner:
        """Signs for the sandbox's settlement account on the Base-like chain; it is closed after the test."""
        raise NotImplementedError

    def test_says_for_whom_it_signs(self, signer: TransactionSigner) -> None:
        assert signer.address == SETTLER.address

    @pytest.mark.parametrize("call", CALLS)
    async def test_signs_what_eth_account_signs(self, signer: TransactionSigner, call: Call) -> None:
        made = await signer.sign(call)
        assert made == as_eth_account_signs(call)
        assert is_signed(made[1], call.fields(), SETTLER.address)
        assert not is_signed(made[1], call.fields(), STRANGER.address)

    async def test_signs_many_at_once(self, signer: TransactionSigner) -> None:
        calls = [replace(CALL, nonce=nonce) for nonce in range(20)]
        made = await asyncio.gather(*map(signer.sign, calls))
        assert made == [as_eth_account_signs(call) for call in calls]

    async def test_would_sign(self, signer: TransactionSigner) -> None:
        for _ in range(2):
            await signer.check()

    @pytest.mark.parametrize("to", ["0x036CbD", "", BaseChain.token + "00"])
    async def test_signs_nothing_to_what_is_not_an_address(self, signer: TransactionSigner, to: str) -> None:
        """An empty one would make a contract of the call."""
        with pytest.raises(ValueError):  # noqa: PT011 - eth-utils' own
            await signer.sign(replace(CALL, to=to))
