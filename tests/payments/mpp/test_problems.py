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


SAYS_NOTHING_ABOUT_THE_PAYMENT = {
    sdk.PaymentError,
    sdk.InternalPaymentError,
    sdk.PaymentRequiredError,
    sdk.PaymentOutcomeUnknownError,
    sdk.PaymentActionRequiredError,
    sdk.PaymentInsufficientError,  # the SDK does not ask the chain before a broadcast
    sdk.PaymentMethodUnsupportedError,  # refused before the SDK is asked (wire.py)
    sdk.BadRequestError,
}
"""They are outages."""


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(sdk).values() if isinstance(kind, type) and issubclass(kind, sdk.PaymentError)],
)
def test_every_error_of_the_sdk_is_mapped(kind: type[sdk.PaymentError]) -> None:
    """A new one must be put on either list; until then it is an outage, not a refusal."""
    mapped = refusal(kind.__new__(kind, MARK))
    assert isinstance(mapped, RailUnavailable if kind in SAYS_NOTHING_ABOUT_THE_PAYMENT else PaymentRejected)
    assert MARK not in mapped.detail
