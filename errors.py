"""Every refusal the service can answer, drawn as one tree, and what each says about the money.

    ServiceError                      status  code
    ├─ BadRequest                     400     bad_request
    │  ├─ InvalidImage                400     invalid_image
    │  ├─ UnknownFormat               400     unknown_format
    │  ├─ UnknownModel                400     unknown_model
    │  └─ MalformedPayment            400     malformed_payment
    ├─ PaymentRequired                402     payment_required
    │  └─ PaymentRejected             402     payment_rejected
    │     └─ DeadlineUnreachable      402     deadline_unreachable
    ├─ NotFound                       404     not_found
    ├─ MethodNotAllowed               405     method_not_allowed
    ├─ NotAcceptable                  406     not_acceptable
    ├─ RequestTimeout                 408     request_timeout
    │  └─ UploadTimeout               408     upload_timeout
    ├─ PaymentConflict                409     payment_conflict
    │  ├─ PaymentInProgress           409     payment_in_progress
    │  ├─ PaymentUsed                 409     payment_used
    │  ├─ PaymentSpentElsewhere       409     payment_spent_elsewhere
    │  ├─ FundsUnderWay               409     funds_under_way
    │  └─ IdempotencyKeyUsed          409     idempotency_key_used
    ├─ UploadTooLarge                 413     upload_too_large
    ├─ TargetTooLong                  414     target_too_long
    ├─ UnsupportedMediaType           415     unsupported_media_type
    ├─ NothingFound                   422     nothing_found
    ├─ RateLimited                    429     rate_limited
    │  └─ UploadsLimited              429     uploads_limited
    ├─ HeadTooLarge                   431     head_too_large
    ├─ ClientDisconnected             499     client_disconnected
    ├─ InternalError                  500     internal_error
    │  └─ ProcessingFailed            500     processing_failed
    ├─ VersionNotSupported            505     version_not_supported
    └─ Unavailable                    503     unavailable
       ├─ Overloaded                  503     overloaded
       ├─ RunnerUnavailable           503     runner_unavailable
       ├─ RailUnavailable             503     rail_unavailable
       ├─ LedgerUnavailable           503     ledger_unavailable
       └─ PaymentOutcomeUnknown       503     payment_outcome_unknown

Foreign exceptions (Pillow, web3, SQLAlchemy, ...) are mapped to these where they enter; `api/problems.py` is the
only place that turns them into HTTP. `detail` is public: it names the fault and what would be right, and never
holds a secret, a path or a foreign exception's text.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Self


class PaymentState(StrEnum):
    """What is known of the payment that came with a request, at the moment of the answer."""

    NONE = "none"
    """No payment came."""
    UNUSED = "unused"
    """It has moved no money, and nothing of ours can still move it."""
    IN_FLIGHT = "in_flight"
    """It may move, or may have moved."""
    SETTLED = "settled"
    """It has moved, to us, and is in the ledger."""
    SPENT_ELSEWHERE = "spent_elsewhere"
    """The chain knows it as used, and this ledger did not use it."""


class RetryAction(StrEnum):
    """What the buyer should do next."""

    PAY = "pay"
    """Pay one of the offers of this 402."""
    RESEND_SAME = "resend_same"
    """Send the same request with the same payment again."""
    WAIT_AND_RESEND = "wait_and_resend"
    """The same, after `retry_after` seconds."""
    NEW_PAYMENT = "new_payment"
    """This payment buys nothing here (any more): sign a new one."""
    FIX_REQUEST = "fix_request"
    """The request must change; the payment need not."""
    ASK_OPERATOR = "ask_operator"
    """Do not pay again. Contact the operator and quote `request_id`."""


_CHARGED = {
    PaymentState.NONE: False,
    PaymentState.UNUSED: False,
    PaymentState.IN_FLIGHT: True,
    PaymentState.SETTLED: True,
}
_RETRYABLE = frozenset({RetryAction.RESEND_SAME, RetryAction.WAIT_AND_RESEND})


class ServiceError(Exception):
    """One refusal, as RFC 9457 describes it. Immutable: `with_payment` and `adding` make another one of the same class,
    to be raised `from` the first.

    Attributes:
        status, code, title: the HTTP status, the stable machine-readable name and its English title.
        payment_state: of the payment that came; None where that is not known (yet).
        retry_action: the buyer's next step. `charged` and `retryable` follow from these two.
        retry_after: whole seconds to wait before it, where that helps.
        payment_expires_at: unix seconds after which the payment can no longer move, where that is known and matters.
        detail: the public sentence.
        members: further members of the problem body.
        headers: headers of the answer, in order, repeats allowed.
        type: problem type URI where a rail's own specification names one; None for ours, which follows from `code`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    payment_state: PaymentState | None = None
    retry_action: RetryAction = RetryAction.ASK_OPERATOR
    retry_after: int | None = None
    payment_expires_at: int | None = None
    detail: str
    members: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...]
    type: str | None

    def __init__(
        self,
        detail: str,
        *,
        members: Mapping[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        retry_after: int | None = None,
        type: str | None = None,
    ) -> None:
        super().__init__(detail)
        self._set(
            detail=detail,
            members=MappingProxyType(dict(members or {})),
            headers=headers,
            retry_after=retry_after,
            type=type,
        )

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):  # a traceback and a cause are set by whoever raises it
            raise AttributeError(f"{self.__class__.__name__} is immutable: {name} cannot be set")
        super().__setattr__(name, value)

    def with_payment(self, state: PaymentState | None, expires_at: int | None = None) -> Self:
        """The same error, with another `payment_state` and `payment_expires_at`."""
        return self._copy(payment_state=state, payment_expires_at=expires_at)

    def adding(self, headers: tuple[tuple[str, str], ...] = (), members: Mapping[str, Any] | None = None) -> Self:
        """The same error, with further headers after its own, and further members."""
        added = MappingProxyType({**self.members, **(members or {})})
        return self._copy(headers=(*self.headers, *headers), members=added)

    def _set(self, **values: object) -> None:
        self.__dict__.update(values)

    def _copy(self, **changes: object) -> Self:
        copy = self.__class__.__new__(self.__class__, *self.args)
        copy._set(**{**self.__dict__, **changes})
        return copy

    @property
    def charged(self) -> bool | None:
        """False: the payment that came has moved no money and nothing of ours can still move it. True: it has moved
        or may have. None: not known."""
        if self.payment_state is None:
            return None
        # A payment spent elsewhere either paid us, which only the operator can put right, or it did not.
        return _CHARGED.get(self.payment_state, self.retry_action is RetryAction.ASK_OPERATOR)

    @property
    def retryable(self) -> bool:
        """Whether the very same request may succeed when it is sent again."""
        return self.retry_action in _RETRYABLE


class BadRequest(ServiceError):
    """The request can never succeed as it stands."""

    status, code, title = 400, "bad_request", "Bad request"
    retry_action = RetryAction.FIX_REQUEST


class InvalidImage(BadRequest):
    """The body is not the image it claims to be, is damaged, or is larger than the limits in pixels."""

    code, title = "invalid_image", "Invalid image"


class UnknownFormat(BadRequest):
    """The `format` parameter names no output format."""

    code, title = "unknown_format", "Unknown output format"


class InvalidOption(BadRequest):
    """A parameter has no such value, or has no meaning beside the others."""

    code, title = "invalid_option", "Invalid option"


class UnknownModel(BadRequest):
    """The `model` parameter names no model that is served."""

    code, title = "unknown_model", "Unknown model"


class MalformedPayment(BadRequest):
    """A payment header cannot be read, is too large, or more than one payment came with one request."""

    code, title = "malformed_payment", "Malformed payment"


class PaymentRequired(ServiceError):
    """No payment came with the request; the headers and members carry the quote."""

    status, code, title = 402, "payment_required", "Payment required"
    payment_state: PaymentState | None = PaymentState.NONE
    retry_action = RetryAction.PAY


class PaymentRejected(PaymentRequired):
    """A payment came that has provably moved nothing, and nothing of ours can still move it; `reason` is the rail's
    own code."""

    code, title = "payment_rejected", "Payment rejected"
    payment_state: PaymentState | None = PaymentState.UNUSED
    retry_action = RetryAction.NEW_PAYMENT
    reason: str

    def __init__(self, detail: str, *, reason: str, type: str | None = None) -> None:
        super().__init__(detail, members={"reason": reason}, type=type)
        self._set(reason=reason)


class DeadlineUnreachable(PaymentRejected):
    """The payment expires too soon for the work and the settlement; another one is needed."""

    code, title = "deadline_unreachable", "Deadline not reachable"

    def __init__(self, detail: str, *, reason: str = code, type: str | None = None) -> None:
        super().__init__(detail, reason=reason, type=type)


class NotFound(ServiceError):
    """No such route."""

    status, code, title = 404, "not_found", "Not found"
    retry_action = RetryAction.FIX_REQUEST


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"
    retry_action = RetryAction.FIX_REQUEST


class NotAcceptable(ServiceError):
    """`Accept` names no format that a cut-out can have."""

    status, code, title = 406, "not_acceptable", "Not acceptable"
    retry_action = RetryAction.FIX_REQUEST


class RequestTimeout(ServiceError):
    """The header fields did not arrive in time."""

    status, code, title = 408, "request_timeout", "Request timeout"
    retry_action = RetryAction.RESEND_SAME


class UploadTimeout(RequestTimeout):
    """The body did not arrive in time."""

    code, title = "upload_timeout", "Upload timeout"


class PaymentConflict(ServiceError):
    """The payment is known already and this request does not fit what is known."""

    status, code, title = 409, "payment_conflict", "Payment conflict"
    retry_action = RetryAction.NEW_PAYMENT


class PaymentInProgress(PaymentConflict):
    """Another request with the same payment is at work right now, so its money may yet move."""

    code, title = "payment_in_progress", "Payment in progress"
    payment_state = PaymentState.IN_FLIGHT
    retry_action = RetryAction.WAIT_AND_RESEND

    def __init__(
        self,
        detail: str = "This payment is already being processed. Send the same request again shortly.",
        *,
        expires_at: int | None = None,
    ) -> None:
        super().__init__(detail, retry_after=1)
        self._set(payment_expires_at=expires_at)


class PaymentUsed(PaymentConflict):
    """The payment bought something else: another image, other parameters, or its re-deliveries are used up."""

    code, title = "payment_used", "Payment already used"


class PaymentSpentElsewhere(PaymentConflict):
    """The chain knows the payment as used, and this ledger did not use it: it buys nothing here.

    Args:
        paid_us: whether the money went to this seller. The buyer is then not told to pay anew: another service of this
            seller, or a ledger that was lost, owes the picture.
    """

    code, title = "payment_spent_elsewhere", "Payment spent elsewhere"
    payment_state = PaymentState.SPENT_ELSEWHERE
    retry_action = RetryAction.ASK_OPERATOR

    def __init__(self, detail: str, *, paid_us: bool) -> None:
        super().__init__(detail)
        self._set(retry_action=RetryAction.ASK_OPERATOR if paid_us else RetryAction.NEW_PAYMENT)


class FundsUnderWay(PaymentConflict):
    """The payer's other payments under way need what the payer holds; this one is untouched."""

    code, title = "funds_under_way", "Funds under way"
    retry_action = RetryAction.WAIT_AND_RESEND

    def __init__(
        self,
        detail: str = "The payer's balance is committed to payments still in progress. Retry when they complete.",
    ) -> None:
        super().__init__(detail, retry_after=2)


class IdempotencyKeyUsed(PaymentConflict):
    """The payer has used this idempotency key for another image or other parameters."""

    code, title = "idempotency_key_used", "Idempotency key already used"
    retry_action = RetryAction.FIX_REQUEST


class UploadTooLarge(ServiceError):
    """The body is over the limit in bytes, declared or counted."""

    status, code, title = 413, "upload_too_large", "Upload too large"
    retry_action = RetryAction.FIX_REQUEST


class TargetTooLong(ServiceError):
    """The request target is too long."""

    status, code, title = 414, "target_too_long", "Target too long"
    retry_action = RetryAction.FIX_REQUEST


class HeadTooLarge(ServiceError):
    """There are too many header fields, or bytes of them."""

    status, code, title = 431, "head_too_large", "Header fields too large"
    retry_action = RetryAction.FIX_REQUEST


class VersionNotSupported(ServiceError):
    """The request's HTTP version is neither 1.0 nor 1.1."""

    status, code, title = 505, "version_not_supported", "HTTP version not supported"
    retry_action = RetryAction.FIX_REQUEST


class UnsupportedMediaType(ServiceError):
    """The Content-Type is not supported, or the body is compressed."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"
    retry_action = RetryAction.FIX_REQUEST


class NothingFound(ServiceError):
    """There is no subject in the picture, so the cut-out would be empty; it is not sold."""

    status, code, title = 422, "nothing_found", "Nothing found"
    retry_action = RetryAction.FIX_REQUEST

    def __init__(
        self, detail: str = "No subject was found in the picture: the cut-out would be empty. Send another picture."
    ) -> None:
        super().__init__(detail)


class RateLimited(ServiceError):
    """Too many unpaid answers went to this address."""

    status, code, title = 429, "rate_limited", "Too many unpaid requests"
    retry_action = RetryAction.WAIT_AND_RESEND


class UploadsLimited(RateLimited):
    """Requests of this address hold as many bytes as those of one address may."""

    code, title = "uploads_limited", "Too many uploads at a time"


class ClientDisconnected(ServiceError):
    """The client hung up before its payment began to settle, so nothing was charged. At most an intermediary hears it;
    the status is nginx's."""

    status, code, title = 499, "client_disconnected", "Client disconnected"
    retry_action = RetryAction.RESEND_SAME


class InternalError(ServiceError):
    """Our fault, cause in the log under the request id."""

    status, code, title = 500, "internal_error", "Internal error"
    retry_action = RetryAction.RESEND_SAME


class ProcessingFailed(InternalError):
    """The picture could not be cut out; nothing was charged."""

    code, title = "processing_failed", "Processing failed"


class Unavailable(ServiceError):
    """Something we need is out for now; the same request may be sent again."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"
    retry_action = RetryAction.WAIT_AND_RESEND

    def __init__(self, detail: str, *, retry_after: int = 2, **extra: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)


class Overloaded(Unavailable):
    """The queue or the pixel budget is full; refused before any money moved."""

    code, title = "overloaded", "Overloaded"


class RunnerUnavailable(Unavailable):
    """The matting runner does not answer."""

    code, title = "runner_unavailable", "Matting runner unavailable"


class RailUnavailable(Unavailable):
    """The chain or the facilitator does not answer, and it is proven that no money moved."""

    code, title = "rail_unavailable", "Payment rail unavailable"


class LedgerUnavailable(Unavailable):
    """The ledger's database does not answer; without it nothing is sold."""

    code, title = "ledger_unavailable", "Ledger unavailable"


class PaymentOutcomeUnknown(Unavailable):
    """Money may have moved: the buyer sends the same payment again and never a new one."""

    code, title = "payment_outcome_unknown", "Payment outcome unknown"
    payment_state = PaymentState.IN_FLIGHT

    def __init__(self, detail: str | None = None, *, expires_at: int | None = None) -> None:
        super().__init__(
            detail or "Whether this payment settled is not known yet. Send the same payment again; do not pay anew.",
            retry_after=3,
        )
        self._set(payment_expires_at=expires_at)
