"""A chain that fails on demand, in two ways, and servers that a test starts."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, shim


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
def nodes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
