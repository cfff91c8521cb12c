"""Rails on the local chain, under the names that the tests of this folder use."""

import asyncio
from collections.abc import Callable

import pytest

from payments.x402 import X402Rail
from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain


@pytest.fixture
def rpc_url(base_chain: BaseChain) -> str:
    return base_chain.rpc_url


@pytest.fixture
def own_key_rail() -> Callable[..., X402Rail]:
    """Makes rails that settle with the sandbox's settlement key; all share one lock, as processes share one."""
    lock = asyncio.Lock()

    def build(rpc_url: str, **settings: object) -> X402Rail:
        chosen = {
            "chain_id": BaseChain.chain_id,
            "asset": BaseChain.token,
            "pay_to": SELLER.address,
            "rpc_url": rpc_url,
            "settlement_key": SETTLER.key,
            "lock": lambda: lock,
            **settings,
        }
        return X402Rail(**chosen)  # type: ignore[arg-type] # the names are those of the constructor

    return build
