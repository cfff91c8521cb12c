"""The tables of tests/tiers.py and tests/scheduling.py name what is there, and every test has one tier."""

import pytest

from sandbox.process import ROOT
from tests import scheduling, tiers


@pytest.mark.parametrize("path", [*tiers.PATHS, *scheduling.APART, *tiers.LONGEST])
def test_every_path_exists(path: str) -> None:
    file, _, name = path.partition("::")
    assert (ROOT / file).exists()
    assert f"def {name}" in (ROOT / file).read_text() if name else True


def test_every_test_has_one_tier_and_only_chains_and_services_run_again(request: pytest.FixtureRequest) -> None:
    for item in request.session.items:
        found = [tier for tier in tiers.TIERS if item.get_closest_marker(tier)]
        assert len(found) == 1, item.nodeid
        assert bool(item.get_closest_marker("flaky")) == (found[0] in tiers.RUN_AGAIN), item.nodeid


def test_a_file_is_a_group_unless_its_tests_are_apart() -> None:
    one, other = (scheduling.group_of(f"tests/end_to_end/test_hosts.py::{name}") for name in ("one", "other"))
    assert one == other != scheduling.group_of("tests/end_to_end/test_bad_http.py::one")
    apart = {scheduling.group_of(f"{scheduling.APART[0]}::{name}") for name in ("one", "other")}
    assert len(apart) == 2


def test_one_process_in_five_takes_groups_from_the_end() -> None:
    from_the_end = {
        count: [scheduling.takes_from_the_end(f"gw{each}", count) for each in range(count)] for count in (1, 4, 5, 10)
    }
    assert from_the_end == {1: [False], 4: [False] * 4, 5: [False] * 4 + [True], 10: [False] * 8 + [True] * 2}


def test_each_leg_of_a_fleet_is_a_group() -> None:
    legs = {scheduling.group_of(f"tests/fleet/test_one_ledger.py::test[{leg}-mpp]") for leg in scheduling.LEGS}
    assert len(legs) == len(scheduling.LEGS)
