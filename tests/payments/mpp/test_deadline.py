"""How much time a signed payment leaves."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import mpp
import pytest

from errors import DeadlineUnreachable, PaymentRejected
from payments.mpp.deadline import LATEST_AFTER_EXPIRY_S, check_term, check_time, ends_at
from payments.mpp.wire import MppCredential, read_credential
from tests.payments.mpp.buyer import header, sign


def credential(*, expires_in: float, valid_for: int | None) -> MppCredential:
    asked = mpp.Challenge.create(
        secret_key="s" * 32,
        realm="cut.example",
        method="tempo",
        intent="charge",
        request={},
        expires=datetime.fromtimestamp(time.time() + expires_in, UTC).isoformat(),
    )
    read = read_credential(header(sign(asked, valid_for=valid_for)))
    assert isinstance(read, MppCredential)
    return read


@pytest.mark.parametrize(("expires_in", "valid_for", "left"), [(300, 25, 25), (10, 25, 10), (-5, 25, -5), (25, -5, -5)])
def test_the_earlier_end_counts(expires_in: float, valid_for: int, left: float) -> None:
    ends_in = ends_at(credential(expires_in=expires_in, valid_for=valid_for)) - time.time()
    assert ends_in == pytest.approx(left, abs=1.5)


def test_a_payment_with_enough_time_is_taken() -> None:
    check_term(credential(expires_in=300, valid_for=25), margin_s=20, now=time.time())
    check_time(credential(expires_in=300, valid_for=25), margin_s=20, now=time.time())


def test_a_payment_with_too_little_time_is_neither_begun_nor_sent() -> None:
    """It is not the payment's fault, so it is no rejection."""
    late = credential(expires_in=300, valid_for=5)
    with pytest.raises(DeadlineUnreachable):
        check_term(late, margin_s=8, now=time.time())
    with pytest.raises(DeadlineUnreachable) as refusal:
        check_time(late, margin_s=8, now=time.time())
    assert refusal.value.reason == "payment-expired"
    assert refusal.value.type == "https://paymentauth.org/problems/payment-expired"


@pytest.mark.parametrize(
    ("valid_for", "reason"),
    [
        (-1, "payment-expired"),
        (None, "verification-failed"),
        (300 + LATEST_AFTER_EXPIRY_S + 5, "verification-failed"),
        (2**63, "verification-failed"),
    ],
)
def test_a_payment_that_is_over_or_lasts_too_long_is_rejected(valid_for: int | None, reason: str) -> None:
    with pytest.raises(PaymentRejected) as refused:
        check_term(credential(expires_in=300, valid_for=valid_for), margin_s=8, now=time.time())
    assert refused.value.reason == reason


def test_says_for_how_long_a_payment_may_be_sent() -> None:
    """Until the margin before its end, or the caller's own end."""
    sent = credential(expires_in=300, valid_for=25)
    ten_before = ends_at(sent) - 10
    assert check_time(sent, margin_s=4, now=ten_before) == 6
    assert check_time(sent, margin_s=4, now=ten_before, at_most_s=5) == 5
    with pytest.raises(DeadlineUnreachable):
        check_time(sent, margin_s=4, now=ten_before, at_most_s=-1)


def test_says_until_when_the_work_may_begin() -> None:
    sent = credential(expires_in=300, valid_for=25)
    assert check_term(sent, margin_s=8, now=time.time()) == ends_at(sent) - 8


def test_a_payment_that_is_not_valid_yet_is_rejected() -> None:
    early = credential(expires_in=300, valid_for=25)
    early = replace(early, transaction=replace(early.transaction, valid_after=int(time.time()) + 5))
    with pytest.raises(PaymentRejected):
        check_term(early, margin_s=8, now=time.time())


def test_both_official_clients_end_in_time() -> None:
    """pympp signs until the second after the challenge's end, mppx until its end."""
    for valid_for in (28, 29):
        check_term(credential(expires_in=28, valid_for=valid_for), margin_s=8, now=time.time())
