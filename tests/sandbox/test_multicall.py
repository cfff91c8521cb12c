"""With a Multicall in place the x402 SDK tells an empty wallet from any other refusal."""

from eth_account import Account as Keys
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.constants import BALANCE_OF_ABI
from x402.mechanisms.evm.exact.eip3009_utils import diagnose_eip3009_simulation_failure
from x402.mechanisms.evm.multicall import MulticallCall, multicall
from x402.mechanisms.evm.types import ExactEIP3009Authorization

from sandbox.accounts import BUYER, SELLER, SETTLER
from sandbox.chains import BaseChain


def signer(chain: BaseChain) -> FacilitatorWeb3Signer:
    return FacilitatorWeb3Signer(private_key=SETTLER.key, rpc_url=chain.rpc_url)


def authorization(payer: str) -> ExactEIP3009Authorization:
    return ExactEIP3009Authorization(
        from_address=payer, to=SELLER.address, value="50000", valid_after="0", valid_before="1", nonce="0x" + "0" * 64
    )


def test_an_empty_wallet_is_named(base_chain: BaseChain) -> None:
    payer = authorization(Keys.create().address)
    reason = diagnose_eip3009_simulation_failure(signer(base_chain), BaseChain.token, payer, 50_000, "USDC", "2")
    assert reason == "invalid_exact_evm_insufficient_balance"


def test_a_wrong_domain_is_named(base_chain: BaseChain) -> None:
    payer = authorization(BUYER.address)
    reason = diagnose_eip3009_simulation_failure(signer(base_chain), BaseChain.token, payer, 50_000, "USD Coin", "2")
    assert reason == "invalid_exact_evm_token_name_mismatch"


def test_one_failing_call_leaves_the_others(base_chain: BaseChain) -> None:
    balance = MulticallCall(
        address=BaseChain.token, abi=BALANCE_OF_ABI, function_name="balanceOf", args=(BUYER.address,)
    )
    broken = MulticallCall(address=BaseChain.token, call_data=b"\xff\xff\xff\xff")
    results = multicall(signer(base_chain), [broken, balance])
    assert [result.success for result in results] == [False, True]
    assert results[1].result == base_chain.balance_of(BUYER.address)
