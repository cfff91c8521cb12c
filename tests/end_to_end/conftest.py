"""Customers who send bad requests, each from an address and an account of its own; and the seller's balances.

The limits on what buys nothing count per address and per payer: with one account for all, the tests would meet the
limits instead of the answers that they ask for.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count

import httpx
import pytest

from sandbox.accounts import SELLER
from sandbox.chains import BaseChain, TempoChain
from tests.buying import funded_key, photograph
from tests.clients.purchase_client import PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.running_service import RunningService

FUNDS = 1_000_000
"""Base units that each customer starts with on each chain: 1 dollar."""

_numbers = count(1)


@pytest.fixture
def address() -> str:
    """An address that nobody has come from, so that its limit on unpaid answers is untouched."""
    number = next(_numbers)
    return f"10.20.{number // 256}.{number % 256}"


@pytest.fixture
def key(base_chain: BaseChain, tempo_chain: TempoChain) -> str:
    return funded_key(base_chain, tempo_chain, funds=FUNDS)


@pytest.fixture
async def buyer_for(
    running_service: RunningService, address: str, key: str
) -> AsyncIterator[Callable[[Way], PurchaseClient]]:
    """Makes a client of the running service for each way to pay."""
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        yield lambda way: PurchaseClient(running_service, client, way, address, key)


@pytest.fixture
def nothing_charged(running_service: RunningService) -> Iterator[None]:
    """After the test the seller holds on both chains what he held before it, and the service is ready to sell."""
    chains = running_service.base_chain, running_service.tempo_chain
    before = [chain.balance_of(SELLER.address) for chain in chains]
    yield
    assert [chain.balance_of(SELLER.address) for chain in chains] == before
    assert httpx.get(f"{running_service.url}/readyz", trust_env=False, verify=TRUST).status_code == 200


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A photograph of a person, JPEG, 512 x 512."""
    return photograph(quality=90)
