"""A seller to buy from, and chains: connections to them, and one that fails on demand in two ways."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import storage
from payments.evm.rpc import RpcClient
from payments.policy import SalePolicy
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, shim
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock
from tests.fakes.seller import Seller

Connect = Callable[..., RpcClient]


@pytest.fixture
def rpc_url(base_chain: BaseChain) -> str:
    return base_chain.rpc_url


@pytest.fixture(scope="session")
def flaky_url(base_chain: BaseChain) -> Iterator[str]:
    """The local chain behind a proxy that fails on demand (`flaky`)."""
    with shim(base_chain.rpc_url, BaseChain.chain_id) as rpc:
        yield rpc.url


@pytest.fixture
def flaky(flaky_url: str) -> Iterator[Control]:
    control = Control(flaky_url)
    yield control
    control.clear()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes clients of a chain's URLs (by default the sandbox's Base), and closes them at the end."""
    opened: list[RpcClient] = []

    def connect(*urls: str, chain_id: int = BaseChain.chain_id, timeout_s: float = 2.0) -> RpcClient:
        opened.append(RpcClient(urls, chain_id=chain_id, timeout_s=timeout_s))
        return opened[-1]

    yield connect
    for rpc in opened:
        await rpc.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def policy() -> SalePolicy:
    return SalePolicy()


@pytest.fixture
def recent_bytes() -> int:
    return 0


@pytest.fixture
async def seller(tmp_path: Path, clock: FakeClock, policy: SalePolicy, recent_bytes: int) -> AsyncIterator[Seller]:
    url = empty_ledger(tmp_path / "ledger.sqlite3")
    async with storage.Database(url, clock=clock) as database:
        seller = Seller(storage.SqlLedger(database), clock, policy=policy, recent_bytes=recent_bytes)
        yield seller
        for event in (seller.may_work, seller.rail.may_verify, seller.rail.may_settle):
            event.set()  # a failed test may have left a sale waiting
        await seller.gate.aclose()
