"""The two local chains, one of each for the whole run, on free ports."""

from collections.abc import Iterator

import pytest

from sandbox import chains
from sandbox.chains import BaseChain, Chain


@pytest.fixture(scope="session")
def base_chain() -> Iterator[BaseChain]:
    """The Base-like chain; both buyers hold the test token, the other accounts only gas."""
    with chains.base_chain(port=0) as chain:
        yield chain


@pytest.fixture(scope="session")
def tempo_chain() -> Iterator[Chain]:
    """The Tempo-mode chain; all development accounts hold pathUSD."""
    with chains.tempo_chain(port=0, node_port=0) as chain:
        yield chain
