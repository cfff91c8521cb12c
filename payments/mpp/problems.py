"""Problem types of the Payment scheme, and the mapping of the SDK's errors.

Source: draft-httpauth-payment-00, "Error Responses". The SDK's texts are not used, because they quote the credential.
"""

from mpp import errors as sdk

from errors import PaymentRejected, RailUnavailable, ServiceError

BASE = "https://paymentauth.org/problems/"

MALFORMED_CREDENTIAL = "malformed-credential"
INVALID_CHALLENGE = "invalid-challenge"
VERIFICATION_FAILED = "verification-failed"
PAYMENT_EXPIRED = "payment-expired"
PAYMENT_INSUFFICIENT = "payment-insufficient"
METHOD_UNSUPPORTED = "method-unsupported"

_REFUSALS: tuple[tuple[type[sdk.PaymentError], str, str], ...] = (
    (
        sdk.CredentialReplayedError,
        VERIFICATION_FAILED,
        "The transfer's memo is not bound to this challenge. Use transferWithMemo with the attribution memo.",
    ),
    (sdk.InvalidPayloadError, MALFORMED_CREDENTIAL, "The credential's payload is not a signed transaction."),
    (sdk.MalformedCredentialError, MALFORMED_CREDENTIAL, "The challenge that the credential echoes cannot be read."),
    (
        sdk.InvalidChallengeError,
        INVALID_CHALLENGE,
        "The credential's challenge was not issued here for this request. Get a new quote.",
    ),
    (sdk.PaymentExpiredError, PAYMENT_EXPIRED, "The challenge has expired. Get a new quote."),
    (
        sdk.VerificationFailedError,
        VERIFICATION_FAILED,
        "The transaction does not match the quote: it must be one transferWithMemo of the exact amount, on the quoted "
        "chain, in the quoted currency, to the recipient, signed by the source.",
    ),
)
"""Most specific class first."""


def rejected(problem: str, detail: str) -> PaymentRejected:
    """The refusal of a payment with one of the problem types above."""
    return PaymentRejected(detail, reason=problem, type=BASE + problem)


def refusal(error: sdk.PaymentError) -> ServiceError:
    """The response to an error of the SDK that was raised before the broadcast."""
    for kind, problem, detail in _REFUSALS:
        if isinstance(error, kind):
            return rejected(problem, detail)
    return RailUnavailable("The payment cannot be verified now. Nothing was charged.")
