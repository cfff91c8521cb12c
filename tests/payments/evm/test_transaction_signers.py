"""Both signers keep the contract: a key in memory, and anvil, which holds the key of its own account."""

from collections.abc import AsyncIterator

import pytest
import rlp  # type: ignore[import-untyped]  # ships no types

from payments.evm.account_key import AccountKey
from payments.evm.remote_signer import RemoteSigner
from payments.evm.transaction_signer import Call
from sandbox.accounts import SETTLER
from sandbox.chains import BaseChain
from tests.contracts.signer_contract import CALL, SignerContract, as_eth_account_signs


class TestAccountKey(SignerContract):
    @pytest.fixture
    def signer(self) -> AccountKey:
        return AccountKey(SETTLER.key)

    @pytest.mark.parametrize("chain_id", [8453, 84532])
    async def test_signs_every_transaction_as_eth_account_does(self, signer: AccountKey, chain_id: int) -> None:
        """Of so many signatures some begin with a zero byte, which the encoding leaves out."""
        shortest = 32
        for nonce in range(300):
            data, fees = CALL.data if nonce % 2 else "0x", (10**9 * nonce + 7, 10**6 * (nonce % 3))
            call = Call(chain_id, nonce, CALL.to, data, *fees, CALL.gas_limit)
            made = await signer.sign(call)
            assert made == as_eth_account_signs(call)
            *_, r, s = rlp.decode(made[1][1:])
            shortest = min(shortest, len(r), len(s))
        assert shortest < 32


class TestAnvil(SignerContract):
    @pytest.fixture
    async def signer(self, base_chain: BaseChain) -> AsyncIterator[RemoteSigner]:
        address = SETTLER.address.lower()
        signer = RemoteSigner(base_chain.rpc_url, address, chain_id=BaseChain.chain_id, token=None, timeout_s=2)
        yield signer
        await signer.aclose()
