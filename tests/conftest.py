"""The two local chains, one of each for the whole run, on free ports."""

import sys
from collections.abc import Iterator

import pytest
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback

from sandbox import chains
from sandbox.chains import BaseChain, TempoChain

pytest_plugins = [
    "tests.authorities",
    "tests.collected",
    "tests.examples",
    "tests.memory_folder",
    "tests.pictures",
    "tests.reruns",
    "tests.running_service",
    "tests.scheduling",
    "tests.tiers",
]


def pytest_configure() -> None:
    """Print tracebacks plainly: structlog's own, with source and variables, take a third of a second each."""
    *others, _ = structlog.get_config()["processors"]
    structlog.configure(processors=[*others, ConsoleRenderer(exception_formatter=plain_traceback)])


def pytest_runtest_setup() -> None:
    """Give each test the recursion limit that the service has: py_ecc, which some wallets import, raises it."""
    sys.setrecursionlimit(1000)


@pytest.fixture(scope="session")
def base_chain() -> Iterator[BaseChain]:
    """The Base-like chain; both buyers hold the test token, the other accounts only gas."""
    with chains.base_chain() as chain:
        yield chain


@pytest.fixture(scope="session")
def tempo_chain() -> Iterator[TempoChain]:
    """The Tempo-mode chain; all development accounts hold pathUSD."""
    with chains.tempo_chain() as chain:
        yield chain
