"""docs/operations.md lists every event that the product logs, with its levels and fields, and no other."""

import re
from collections import defaultdict

import pytest

from logs import OUR_LOGGERS
from sandbox.process import ROOT
from tests.docs.log_events import Event, events

TABLE = (ROOT / "docs/operations.md").read_text().partition("\n## Logs\n")[2]
ROWS = re.findall(r"^\| `(\w+)` \| ([a-z ]+) \| ([a-z_, ]*)\| .+ \|$", TABLE, re.MULTILINE)


@pytest.fixture(scope="module")
def logged() -> dict[str, list[Event]]:
    """The calls by event."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events():
        found[event.name].append(event)
    return found


def test_every_event_is_listed_once_in_order(logged: dict[str, list[Event]]) -> None:
    assert len(logged) > 50
    assert [name for name, _, _ in ROWS] == sorted(logged)


def test_levels_and_fields_are_those_of_the_code(logged: dict[str, list[Event]]) -> None:
    for name, level, fields in ROWS:
        calls = logged[name]
        assert {each.level for each in calls} == ({"log"} if " or " in level else {level}), name
        assert set().union(*(each.fields for each in calls)) == set(filter(None, fields.strip().split(", "))), name


def test_an_event_is_a_name_and_not_a_sentence(logged: dict[str, list[Event]]) -> None:
    assert [name for name in logged if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_module_that_logs_has_the_operators_level(logged: dict[str, list[Event]]) -> None:
    """Other loggers are heard from WARNING on, as libraries are."""
    rooms = {each.where.with_suffix("").parts[0] for calls in logged.values() for each in calls}
    assert rooms <= set(OUR_LOGGERS)
