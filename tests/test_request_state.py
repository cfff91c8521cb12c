"""Values that are handed on within one request."""

from typing import Any

import pytest

from request_state import StateKey

COUNT = StateKey[int]("count")
MAYBE = StateKey[str | None]("maybe")


def test_a_value_is_put_read_and_taken_once() -> None:
    scope: dict[str, Any] = {}
    assert (COUNT.get(scope), COUNT.take(scope)) == (None, None)
    COUNT.put(scope, 7)
    assert (COUNT.of(scope), COUNT.get(scope), COUNT.take(scope), COUNT.get(scope)) == (7, 7, 7, None)
    with pytest.raises(KeyError):
        COUNT.of(scope)


def test_keys_do_not_share_values() -> None:
    scope: dict[str, Any] = {"state": {"other": 1}}
    COUNT.put(scope, 7)
    assert MAYBE.get(scope) is None
    assert scope["state"]["other"] == 1


@pytest.mark.parametrize("made", ["value", None])
def test_a_value_is_made_once(made: str | None) -> None:
    """None is a value, too."""
    scope: dict[str, Any] = {}
    calls: list[int] = []

    def make() -> str | None:
        calls.append(1)
        return made

    assert [MAYBE.once(scope, make) for _ in range(2)] == [made, made]
    assert len(calls) == 1
