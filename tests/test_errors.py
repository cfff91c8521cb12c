"""What every error says about the money, and what the buyer should do next."""

from collections.abc import Iterator

import pytest

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
        error = kind.__new__(kind)
        error.payment_state = state
        assert error.charged is charged


@pytest.mark.parametrize("action", RetryAction)
def test_retryable_follows_from_the_action_alone(action: RetryAction) -> None:
    for kind in tree(ServiceError):
        error = kind.__new__(kind)
        error.retry_action = action
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
