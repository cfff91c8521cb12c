"""The tier of each test, told in this one place from its fixtures, its folder and what its module imports.

unit         computes in this process: no chain, no server, no process of its own, nothing that takes seconds.
integration  starts processes, PostgreSQL or a browser, or computes for long.
chain        talks to a local chain.
service      meets a whole service: processes of `bentoml serve`, with chains before and a runner behind them.

A `service` test is run once more when it fails, because it depends on when the processes of three programs get their
turn on a busy machine. The summary names each test that needed it: that is a fault to be found. No other is repeated.
"""

from pathlib import Path
from typing import Final, Literal

import pytest
from hypothesis import is_hypothesis_test

from sandbox.process import ROOT

Tier = Literal["unit", "integration", "chain", "service"]
TIERS: Final[dict[Tier, str]] = {
    "service": "meets a whole service; run once more when it fails",
    "chain": "talks to a local chain",
    "integration": "starts processes or PostgreSQL, or computes for long",
    "unit": "computes in this process, in less than seconds",
}
LONGEST: Final = ("tests/fleet/", "tests/faults/", "tests/secrets/", "tests/end_to_end/")
"""What takes minutes and cannot be divided."""
RUN_AGAIN: Final = frozenset({"chain", "service"})
"""Tiers whose failed tests run once more: a connection that one leaves open is found in whatever test comes later."""

MARKERS: Final = (
    "property: draws its examples at random; `make test-nightly` draws many more of them",
    "nightly: takes long and rarely breaks; `make test-nightly` runs it, `make test` does not",
)

_FIXTURES: Final[dict[str, Tier]] = {
    "running_service": "service",
    "fleet": "service",
    "base_chain": "chain",
    "tempo_chain": "chain",
    "postgres": "integration",
    "postgres_url": "integration",
    "skewed": "integration",
}
_IMPORTS: Final[dict[str, Tier]] = {
    "run_service": "service",
    "RuleBasedStateMachine": "integration",
}
_CALLS: Final[dict[str, Tier]] = {"race": "integration"}
PATHS: Final[dict[str, Tier]] = {
    "tests/browser/": "service",
    "tests/image/": "service",
    "tests/fleet/test_proof.py::test_a_fleet": "service",
    "tests/fleet/test_proof.py": "integration",
    "tests/faults/test_campaign.py::test_no_money_is_lost": "service",
    "tests/faults/test_campaign.py::test_a_sale_with_a_fault_at_a_step": "service",
    "tests/sandbox/test_serve.py": "service",
    "tests/sandbox/": "chain",
    "tests/api/test_accessibility.py": "integration",
    "tests/api/test_connections.py": "integration",
    "tests/api/test_try_out.py::test_the_modules_keep_to_their_types": "integration",
    "tests/buyer_client/test_distribution.py": "integration",
    "tests/buyer_client/test_mcp.py": "service",
    "tests/clients/": "integration",
    "tests/corpus/": "integration",
    "tests/deploy/test_migrate.py": "integration",
    "tests/discovery/": "service",
    "tests/docs/test_site.py": "integration",
    "tests/end_to_end/": "service",
    "tests/fleet/": "service",
    "tests/fuzz/": "integration",
    "tests/goldens/": "integration",
    "tests/imaging/isolated/": "integration",
    "tests/imaging/test_encode.py::test_a_picture_that_libwebp": "integration",
    "tests/imaging/test_encode.py::test_a_quality_that_libwebp": "integration",
    "tests/imaging/test_probe.py::test_no_file_of_25_megabytes": "integration",
    "tests/imaging/test_webp.py::test_chromium": "integration",
    "tests/loadtests/test_whole.py": "service",
    "tests/loadtests/": "integration",
    "tests/modelkit/": "integration",
    "tests/ops/": "integration",
    "tests/payments/mpp/test_finality.py": "chain",
    "tests/runners/": "integration",
    "tests/siege/": "service",
    "tests/storage/test_identity.py": "integration",
    "tests/storage/test_revisions.py": "integration",
    "tests/test_architecture.py": "integration",
    "tests/test_gpu_benchmark.py": "integration",
    "tests/test_logs.py": "integration",
    "tests/test_memory_folder.py": "integration",
    "tests/test_process_end.py": "integration",
    "tests/test_processes.py": "integration",
    "tests/test_race.py": "integration",
    "tests/test_supervisor.py": "integration",
    "tests/test_telemetry_of_others.py": "integration",
    "tests/test_third_rail.py": "integration",
}
"""What neither fixtures nor imports nor calls tell: a folder, a file, or a test by the beginning of its name."""
_DRAWING: Final = {"given", "run_state_machine_as_test"}


def tier_of(item: pytest.Item) -> Tier:
    """The highest tier that anything of the test belongs to."""
    names = set(getattr(item, "fixturenames", ()))
    found = {_FIXTURES[name] for name in names & _FIXTURES.keys()}
    found |= {_IMPORTS[name] for name in vars(_module(item)).keys() & _IMPORTS.keys()}
    found |= {_CALLS[name] for name in _names_called(item) & _CALLS.keys()}
    found |= {tier for path, tier in PATHS.items() if item.nodeid.startswith(path)}
    if "postgresql" in item.nodeid:  # one leg of a fixture that both kinds of database have
        found.add("integration")
    return next((tier for tier in TIERS if tier in found), "unit")


def draws_examples(item: pytest.Item) -> bool:
    """Whether Hypothesis makes what the test is given."""
    return is_hypothesis_test(getattr(item, "obj", None)) or bool(_names_called(item) & _DRAWING)


def pytest_configure(config: pytest.Config) -> None:
    for tier, meaning in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {meaning}")
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Unit tests alone import no file that holds none."""
    path = f"{collection_path.relative_to(ROOT)}{'/' if collection_path.is_dir() else ''}"
    return True if config.option.markexpr.startswith("unit") and path in PATHS else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before `-m` selects. Services come first, so that none is started when the other processes are done; what takes
    longest comes before the others of its tier."""
    tiers = {item: tier_of(item) for item in items}
    for item, tier in tiers.items():
        item.add_marker(tier)
        if tier in RUN_AGAIN:
            item.add_marker(pytest.mark.flaky(reruns=1))
        if draws_examples(item):
            item.add_marker("property")
    order = list(TIERS)
    items.sort(key=lambda item: (order.index(tiers[item]), not item.nodeid.startswith(LONGEST)))


def _module(item: pytest.Item) -> object:
    return item.module if isinstance(item, pytest.Function) else object


def _names_called(item: pytest.Item) -> set[str]:
    code = getattr(getattr(item, "function", None), "__code__", None)
    return set(code.co_names) if code else set()
