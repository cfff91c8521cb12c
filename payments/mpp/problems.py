"""Problem types of the Payment scheme, and what each of the SDK's refusals becomes.

Source: draft-httpauth-payment-00, "Error Responses". Our sentences, never the SDK's: its texts quote the credential.
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
        "The credential echoes no challenge that was issued here for this request. Take a new quote.",
    ),
    (sdk.PaymentExpiredError, PAYMENT_EXPIRED, "The challenge has expired. Take a new quote."),
    (
        sdk.VerificationFailedError,
        VERIFICATION_FAILED,
        "The transaction is not the transfer that was quoted: one transferWithMemo of the exact amount, on the "
        "quoted chain, in the quoted currency, to the recipient, signed by the source.",
    ),
)
"""Most specific class first."""


def rejected(problem: str, detail: str) -> PaymentRejected:
    """The refusal of a payment with one of the problem types above."""
    return PaymentRejected(detail, reason=problem, type=BASE + problem)


def refusal(error: sdk.PaymentError) -> ServiceError:
    """What we answer to an error of the SDK, which it raised before anything was broadcast."""
    for kind, problem, detail in _REFUSALS:
        if isinstance(error, kind):
            return rejected(problem, detail)
    return RailUnavailable("The payment cannot be checked at the moment. Nothing was charged.")
