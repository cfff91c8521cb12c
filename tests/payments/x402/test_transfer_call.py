"""A call's data says what it moves, and until when."""

import pytest
from eth_account import Account
from x402.mechanisms.evm.constants import TRANSFER_WITH_AUTHORIZATION_VRS_ABI
from x402.mechanisms.evm.multicall import encode_contract_call

from payments.x402.requirements import QuoteTerms
from payments.x402.transfer_call import TransferCall
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.calls import call_data
from tests.payments.x402.buyer import authorize, transfer_call

NONCE = "0x" + "5a" * 32


def test_reads_both_forms(terms: QuoteTerms) -> None:
    """That of a plain key as the SDK makes it, and that of a contract wallet, whatever is appended."""
    signed = authorize(Account.from_key(BUYER.key), SELLER.address, NONCE, terms, units=7, valid_before=1_900_000_000)
    plain = encode_contract_call(
        TRANSFER_WITH_AUTHORIZATION_VRS_ABI,
        "transferWithAuthorization",
        *(BUYER.address, SELLER.address, 7, 0, 1_900_000_000, bytes(32), 27, bytes(32), bytes(32)),
    )
    for call in (transfer_call(signed), "0x" + plain.hex(), "0x" + plain.hex() + "abcd"):
        assert TransferCall.of(call) == TransferCall(7, 1_900_000_000)


@pytest.mark.parametrize("call", ["0x", "0xe3ee", call_data("transfer(address,uint256)", STRANGER.address, 7)])
def test_another_call_moves_no_payment(call: str) -> None:
    assert TransferCall.of(call) is None
