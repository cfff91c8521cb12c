"""What the SDK's errors become."""

import pytest
from mpp import errors as sdk

from errors import PaymentRejected, RailUnavailable
from payments.mpp.problems import refusal

MARK = "text of the SDK"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (sdk.MalformedCredentialError(MARK), "malformed-credential"),
        (sdk.InvalidPayloadError(MARK), "malformed-credential"),
        (sdk.InvalidChallengeError("id", MARK), "invalid-challenge"),
        (sdk.PaymentExpiredError(MARK), "payment-expired"),
        (sdk.VerificationFailedError(MARK), "verification-failed"),
        (sdk.VerificationError(MARK), "verification-failed"),
        (sdk.CredentialReplayedError(MARK), "verification-failed"),
    ],
)
def test_each_refusal_has_the_specifications_type_and_our_words(error: sdk.PaymentError, reason: str) -> None:
    refused = refusal(error)
    assert isinstance(refused, PaymentRejected)
    assert (refused.reason, refused.type) == (reason, f"https://paymentauth.org/problems/{reason}")
    assert MARK not in refused.detail


def test_an_internal_error_is_an_outage() -> None:
    assert isinstance(refusal(sdk.InternalPaymentError()), RailUnavailable)
