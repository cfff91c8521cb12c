"""The table of networks against the SDK's own."""

import pytest
from x402.mechanisms.evm import V1_NETWORK_CHAIN_IDS, get_asset_info

from payments.x402.requirements import NETWORKS, USDC_DECIMALS, EvmNetwork
from tests.payments.x402.terms import terms_of

USDC = {84532: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", 8453: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"}


@pytest.mark.parametrize("network", NETWORKS.values(), ids=str)
def test_networks_are_those_of_the_sdk(network: EvmNetwork) -> None:
    token = get_asset_info(network.caip2, USDC[network.chain_id])
    assert (token["name"], token["version"]) == (network.token_name, network.token_version)
    assert token["decimals"] == USDC_DECIMALS
    assert V1_NETWORK_CHAIN_IDS[network.v1_name] == network.chain_id


def test_addresses_are_checksummed() -> None:
    terms = terms_of(chain_id=84532, asset=USDC[84532].lower(), pay_to=USDC[8453].lower(), max_timeout_seconds=60)
    assert (terms.asset, terms.pay_to) == (USDC[84532], USDC[8453])


def test_refuses_other_networks() -> None:
    with pytest.raises(ValueError, match="8453 or 84532"):
        terms_of(chain_id=137, asset=USDC[8453], pay_to=USDC[8453], max_timeout_seconds=60)
