"""What every error says about the money, and what the buyer should do next."""

import re
from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest

import errors
from errors import (
    DeadlineUnreachable,
    PaymentRejected,
    PaymentRequired,
    PaymentSpentElsewhere,
    PaymentState,
    RetryAction,
    ServiceError,
)


def tree(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    """Every error of the service."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def made(kind: type[ServiceError]) -> ServiceError:
    """An error of a class, by the class's own constructor."""
    given: dict[str, Any] = {"detail": "What happened.", "reason": "refused", "paid_us": True}
    asked = signature(kind).parameters
    return kind(**{name: value for name, value in given.items() if name in asked})


def test_the_tree_is_drawn_as_it_is() -> None:
    drawn = set(re.findall(r"─ (\w+) +(\d{3}) +(\w+)$", str(errors.__doc__), re.MULTILINE))
    ours = [kind for kind in tree(ServiceError) if kind.__module__.startswith("errors.") and kind is not ServiceError]
    assert drawn == {(kind.__name__, str(kind.status), kind.code) for kind in ours}


EVERY_KIND = pytest.mark.parametrize("kind", [*tree(ServiceError)], ids=lambda kind: kind.__name__)
COMMON = ("detail", "members", "headers", "retry_after", "retry_action", "type")


def facts(error: ServiceError) -> dict[str, Any]:
    """Everything that an error says, the payment's state apart."""
    own = {name: value for name, value in vars(error).items() if not name.startswith("payment_")}
    return {**own, **{name: getattr(error, name) for name in COMMON}, "class": type(error), "text": str(error)}


@EVERY_KIND
@pytest.mark.parametrize("state", [None, *PaymentState])
def test_another_payment_state_keeps_everything_else(kind: type[ServiceError], state: PaymentState | None) -> None:
    error = made(kind).adding(headers=(("Link", "<a>"), ("Link", "<b>")), members={"more": [1]})
    vars(error).update(retry_after=7, type="https://problems.example/type")
    before, known = facts(error), (error.payment_state, error.payment_expires_at)
    changed = error.with_payment(state, 1_900_000_000)
    assert (changed.payment_state, changed.payment_expires_at) == (state, 1_900_000_000)
    assert facts(changed) == facts(error) == before
    assert (error.payment_state, error.payment_expires_at) == known, "the first one is as it was"
    assert changed.headers == (("Link", "<a>"), ("Link", "<b>"))


@EVERY_KIND
def test_what_is_added_comes_after_what_was_there(kind: type[ServiceError]) -> None:
    first = made(kind).adding(headers=(("Link", "<a>"),), members={"a": 1})
    second = first.adding(headers=(("Link", "<a>"), ("Link", "<b>")), members={"b": 2})
    assert second.headers == (("Link", "<a>"), ("Link", "<a>"), ("Link", "<b>"))
    assert second.members == {**first.members, "b": 2}
    assert (first.headers, "b" in first.members) == ((("Link", "<a>"),), False)


@EVERY_KIND
def test_an_error_cannot_be_changed(kind: type[ServiceError]) -> None:
    error = made(kind)
    for name in ("payment_state", "payment_expires_at", *COMMON):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(error, name, None)
    with pytest.raises(TypeError):
        error.members["reason"] = "another"  # type: ignore[index]
    with pytest.raises(kind) as caught:
        raise error.with_payment(PaymentState.UNUSED) from error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("state", "charged"),
    [
        (None, None),
        (PaymentState.NONE, False),
        (PaymentState.UNUSED, False),
        (PaymentState.IN_FLIGHT, True),
        (PaymentState.SETTLED, True),
    ],
)
def test_charged_follows_from_the_payment_alone(state: PaymentState | None, charged: bool | None) -> None:
    """Whatever the error: the same payment is not charged for one and uncharged for the other."""
    for kind in tree(ServiceError):
        assert made(kind).with_payment(state).charged is charged


@pytest.mark.parametrize("action", RetryAction)
def test_retryable_follows_from_the_action_alone(action: RetryAction) -> None:
    for kind in tree(ServiceError):
        error = made(kind)
        vars(error)["retry_action"] = action
        assert error.retryable == (action in {RetryAction.RESEND_SAME, RetryAction.WAIT_AND_RESEND})


@pytest.mark.parametrize(("paid_us", "action"), [(True, "ask_operator"), (False, "new_payment")])
def test_a_payment_spent_elsewhere_is_charged_when_it_paid_us(paid_us: bool, action: str) -> None:
    error = PaymentSpentElsewhere("Used.", paid_us=paid_us)
    assert (error.status, error.payment_state, error.charged) == (409, "spent_elsewhere", paid_us)
    assert (error.retry_action, error.retryable) == (action, False)


def test_a_deadline_is_refused_as_a_payment_is() -> None:
    """With a fresh quote, and its own code."""
    error = DeadlineUnreachable("Too late.")
    assert isinstance(error, PaymentRejected)
    assert (error.status, error.code, error.reason) == (402, "deadline_unreachable", "deadline_unreachable")
    assert (error.payment_state, error.charged, error.retry_action) == ("unused", False, "new_payment")
    assert DeadlineUnreachable("Too late.", reason="expired").members == {"reason": "expired"}


def test_only_what_moved_nothing_is_answered_with_a_quote() -> None:
    for kind in tree(PaymentRequired):
        assert kind.payment_state in {PaymentState.NONE, PaymentState.UNUSED}
