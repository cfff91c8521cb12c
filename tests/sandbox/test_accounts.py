"""The listed keys and addresses belong together and are those that anvil unlocks."""

import pytest
from eth_account import Account as Keys

from sandbox.accounts import ACCOUNTS, Account
from sandbox.chains import BaseChain


@pytest.mark.parametrize("account", ACCOUNTS)
def test_each_address_is_that_of_its_key(account: Account) -> None:
    assert Keys.from_key(account.key).address == account.address


def test_they_are_the_accounts_of_anvil(base_chain: BaseChain) -> None:
    # Other tests may have had further accounts impersonated on the shared chain: anvil lists them last.
    first = base_chain.rpc.call("eth_accounts")[: len(ACCOUNTS)]
    assert first == [account.address.lower() for account in ACCOUNTS]
