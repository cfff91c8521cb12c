"""Rails on the local Tempo chain, their buyer and the faults of their RPC."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from payments.money import Price
from payments.mpp.config import MppConfig
from payments.mpp.rail import MppRail
from payments.order import Order
from sandbox.accounts import SELLER
from sandbox.chains import TempoChain
from sandbox.rpc_proxy import Control, shim
from tests.payments.mpp.buyer import MppBuyer

SECRET = "the secret of the tests, long enough"


def mpp_rail(**chosen: Any) -> MppRail:
    """A rail by the names of its settings and of its further arguments."""
    settings = {name: chosen.pop(name) for name in MppConfig.model_fields.keys() & chosen.keys()}
    return MppRail(MppConfig.model_validate(settings), **chosen)


@pytest.fixture
def rpc_url(tempo_chain: TempoChain) -> str:
    return tempo_chain.rpc_url


@pytest.fixture
async def build(rpc_url: str) -> AsyncIterator[Callable[..., MppRail]]:
    """Makes rails as freshly started services would, on one chain and with one secret unless told otherwise."""
    built = []

    def build(url: str = rpc_url, **settings: object) -> MppRail:
        chosen: dict[str, Any] = {
            "host": "cut.example",
            "secret_key": SECRET,
            "recipient": SELLER.address,
            "currencies": (TempoChain.token, TempoChain.second_token),
            "chain_id": TempoChain.chain_id,
            "rpc_url": url,
            "challenge_seconds": 28,  # the chain mines nothing that is valid for longer than 30 s
            "confirmation_timeout_s": 3.0,
            "rpc_timeout_s": 2.0,
            **settings,
        }
        built.append(mpp_rail(**chosen))
        return built[-1]

    yield build
    for rail in built:
        await rail.aclose()


@pytest.fixture
def rail(build: Callable[..., MppRail]) -> MppRail:
    return build()


@pytest.fixture
def buyer(tempo_chain: TempoChain) -> MppBuyer:
    return MppBuyer(tempo_chain)


@pytest.fixture
def order() -> Order:
    return Order(
        url="https://cut.example/v1/remove-background",
        method="POST",
        body=b"picture",
        parameters=(("format", "png"),),
        price=Price(Decimal("0.05")),
    )


@pytest.fixture
def faults(rpc_url: str) -> Iterator[Control]:
    """The shim's faults, over when the test is."""
    control = Control(rpc_url)
    yield control
    control.clear()


@pytest.fixture
def second_url(rpc_url: str) -> Iterator[str]:
    """Another way to the same chain, with faults of its own."""
    with shim(rpc_url, TempoChain.chain_id) as rpc:
        yield rpc.url


@pytest.fixture
def ordinary_recursion() -> Iterator[None]:
    """Python's own recursion limit; py_ecc, which some wallets import, raises it a hundredfold."""
    raised = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(raised)
