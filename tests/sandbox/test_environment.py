"""The sandbox's own values and the sandbox profile's defaults are one truth."""

import config
from payments.mpp.config import MppConfig
from payments.x402.config import X402Config
from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain, TempoChain
from sandbox.environment import BASE_PORT, TEMPO_PORT, environment


def secrets_shown(settings: config.Settings) -> tuple[str, ...]:
    found = (
        settings.rail(X402Config).rpc_url,
        settings.rail(MppConfig).rpc_url,
        settings.rail(X402Config).settlement_key,
    )
    return tuple(secret.get_secret_value() for secret in found if secret)


def test_the_profile_expects_the_chains_where_they_are_run() -> None:
    """`bentoml serve` without any setting, and the launcher, sell on the same chains to the same accounts."""
    settings = config.load({})
    urls = (f"http://127.0.0.1:{BASE_PORT}", f"http://127.0.0.1:{TEMPO_PORT}")
    assert secrets_shown(settings) == (*urls, SETTLER.key)
    x402, mpp = settings.rail(X402Config), settings.rail(MppConfig)
    assert x402.pay_to == mpp.recipient == SELLER.address
    assert (x402.chain_id, x402.asset) == (
        BaseChain.chain_id,
        BaseChain.token,
    )
    assert mpp.chain_id == TempoChain.chain_id
    assert mpp.currencies == (TempoChain.token, TempoChain.second_token)


def test_other_ports_reach_the_service(base_chain: BaseChain, tempo_chain: TempoChain) -> None:
    settings = config.load(environment(base_chain.rpc_url, tempo_chain.rpc_url, "http://127.0.0.1:3333"))
    assert secrets_shown(settings) == (base_chain.rpc_url, tempo_chain.rpc_url, SETTLER.key)
    assert settings.public_url == "http://127.0.0.1:3333"
    assert settings.profile == "sandbox"
