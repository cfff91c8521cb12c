"""Deployments in which several processes share one ledger."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.fakes.postgres import binaries, postgres_server
from tests.running_service import RunningService, run_service

Fleet = tuple[RunningService, ...]
"""Services that sell as one."""


@contextmanager
def two_workers(base_chain: BaseChain, tempo_chain: TempoChain) -> Iterator[Fleet]:
    """One host with two API workers on SQLite."""
    with tempfile.TemporaryDirectory() as folder, run_service(base_chain, tempo_chain, Path(folder)) as service:
        yield (service,)


@contextmanager
def two_hosts(base_chain: BaseChain, tempo_chain: TempoChain) -> Iterator[Fleet]:
    """Two services with a worker each on PostgreSQL."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: no initdb found")
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server(programs))
        settings = {
            "CLEARCANVAS_DATABASE_URL": server.new_database(),
            "CLEARCANVAS_WORKERS": "1",
            "CLEARCANVAS_PUBLIC_URL": "https://cut.example",
        }
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        yield tuple(stack.enter_context(run_service(base_chain, tempo_chain, folder, settings)) for folder in folders)


@pytest.fixture(scope="module", params=[two_workers, two_hosts], ids=["sqlite-two-workers", "postgresql-two-hosts"])
def fleet(request: pytest.FixtureRequest, base_chain: BaseChain, tempo_chain: TempoChain) -> Iterator[Fleet]:
    with request.param(base_chain, tempo_chain) as services:
        yield services
