"""What stands on the local chains once they are up."""

from eth_account import Account as Keys

from sandbox.accounts import BUYER, SECOND_BUYER
from sandbox.chains import ALLOWANCE, BaseChain, TempoChain


def test_base_chain_has_the_id_of_base_sepolia(base_chain: BaseChain) -> None:
    assert int(base_chain.rpc.call("eth_chainId"), 16) == 84532


def test_both_buyers_hold_tokens(base_chain: BaseChain) -> None:
    assert base_chain.balance_of(SECOND_BUYER.address) == ALLOWANCE
    assert base_chain.balance_of(BUYER.address) > 0


def test_base_funding_adds_to_the_balance(base_chain: BaseChain) -> None:
    stranger = Keys.create().address
    base_chain.fund(stranger, 70_000)
    base_chain.fund(stranger, 5)
    assert base_chain.balance_of(stranger) == 70_005


def test_tempo_chain_has_the_id_of_moderato(tempo_chain: TempoChain) -> None:
    assert int(tempo_chain.rpc.call("eth_chainId"), 16) == 42431


def test_tempo_buyer_holds_path_usd(tempo_chain: TempoChain) -> None:
    assert tempo_chain.balance_of(BUYER.address) > 1_000_000


def test_tempo_funding_adds_to_the_balance(tempo_chain: TempoChain) -> None:
    stranger = Keys.create().address
    tempo_chain.fund(stranger, 70_000)
    tempo_chain.fund(stranger, 5)
    assert tempo_chain.balance_of(stranger) == 70_005
