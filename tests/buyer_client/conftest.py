"""Buyers with a wallet, a folder and pictures of their own, before the running service."""

from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account

from sandbox.chains import BaseChain, TempoChain
from tests.buyer_client.buyer import Buyer, RailName
from tests.buying import unique_photograph
from tests.running_service import RunningService

FUNDS = 10_000_000
RAILS: tuple[RailName, ...] = ("x402", "mpp")


@pytest.fixture
def key(base_chain: BaseChain, tempo_chain: TempoChain) -> str:
    """The private key of an account that has paid nowhere yet, and holds 10 dollars on both chains."""
    account = Account.create()
    for chain in (base_chain, tempo_chain):
        chain.fund(account.address, FUNDS)
    return "0x" + bytes(account.key).hex()


@pytest.fixture
def buyer(running_service: RunningService, tmp_path: Path, key: str) -> Callable[[RailName], Buyer]:
    """Makes the buyer of one rail."""
    return lambda rail: Buyer(running_service, rail, tmp_path, key)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photograph that nobody has bought."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(unique_photograph())
    return path
