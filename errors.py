"""Every refusal the service can answer, drawn as one tree.

    ServiceError                      status  code
    ├─ BadRequest                     400     bad_request
    │  ├─ InvalidImage                400     invalid_image
    │  ├─ UnknownFormat               400     unknown_format
    │  ├─ UnknownModel                400     unknown_model
    │  └─ MalformedPayment            400     malformed_payment
    ├─ PaymentRequired                402     payment_required
    │  └─ PaymentRejected             402     payment_rejected
    ├─ NotFound                       404     not_found
    ├─ MethodNotAllowed               405     method_not_allowed
    ├─ UploadTimeout                  408     upload_timeout
    ├─ PaymentConflict                409     payment_conflict
    │  ├─ PaymentInProgress           409     payment_in_progress
    │  ├─ PaymentUsed                 409     payment_used
    │  ├─ FundsUnderWay               409     funds_under_way
    │  └─ IdempotencyKeyUsed          409     idempotency_key_used
    ├─ UploadTooLarge                 413     upload_too_large
    ├─ UnsupportedMediaType           415     unsupported_media_type
    ├─ RateLimited                    429     rate_limited
    ├─ InternalError                  500     internal_error
    │  └─ ProcessingFailed            500     processing_failed
    └─ Unavailable                    503     unavailable
       ├─ Overloaded                  503     overloaded
       ├─ RunnerUnavailable           503     runner_unavailable
       ├─ RailUnavailable             503     rail_unavailable
       ├─ LedgerUnavailable           503     ledger_unavailable
       ├─ DeadlineUnreachable         503     deadline_unreachable
       └─ PaymentOutcomeUnknown       503     payment_outcome_unknown

Foreign exceptions (Pillow, web3, SQLAlchemy, ...) are mapped to these where they enter; `api/problems.py` is the
only place that turns them into HTTP. `detail` is public: it names the fault and what would be right, and never
holds a secret, a path or a foreign exception's text.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ServiceError(Exception):
    """One refusal, as RFC 9457 describes it.

    Attributes:
        status, code, title: the HTTP status, the stable machine-readable name and its English title.
        retryable: whether the very same request may succeed when it is sent again.
        charged: False is a proof that this request moved no money; True means that money has moved or may yet
            move, so the buyer re-sends the same payment and never signs a new one.
        detail: the public sentence.
        members: further members of the problem body.
        headers: headers of the answer, in order, repeats allowed.
        type: problem type URI where a rail's own specification names one.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retryable: bool = False
    charged: bool = False

    def __init__(
        self,
        detail: str,
        *,
        members: Mapping[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        retry_after: int | None = None,
        type: str = "about:blank",
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = dict(members or {})
        self.headers = headers if retry_after is None else (*headers, ("Retry-After", str(retry_after)))
        self.type = type


class BadRequest(ServiceError):
    """The request can never succeed as it stands."""

    status, code, title = 400, "bad_request", "Bad request"


class InvalidImage(BadRequest):
    """The body is not the image it claims to be, is damaged, or is larger than the limits in pixels."""

    code, title = "invalid_image", "Invalid image"


class UnknownFormat(BadRequest):
    """The `format` parameter names no output format."""

    code, title = "unknown_format", "Unknown output format"


class UnknownModel(BadRequest):
    """The `model` parameter names no model that is served."""

    code, title = "unknown_model", "Unknown model"


class MalformedPayment(BadRequest):
    """A payment header cannot be read, is too large, or more than one payment came with one request."""

    code, title = "malformed_payment", "Malformed payment"


class PaymentRequired(ServiceError):
    """No payment came with the request; the headers and members carry the quote."""

    status, code, title = 402, "payment_required", "Payment required"


class PaymentRejected(PaymentRequired):
    """A payment came that provably moved nothing and never will by our hand; `reason` is the rail's own code."""

    code, title = "payment_rejected", "Payment rejected"

    def __init__(self, detail: str, *, reason: str, type: str = "about:blank") -> None:
        super().__init__(detail, members={"reason": reason}, type=type)
        self.reason = reason


class NotFound(ServiceError):
    """No such route."""

    status, code, title = 404, "not_found", "Not found"


class MethodNotAllowed(ServiceError):
    """The route exists, the method does not."""

    status, code, title = 405, "method_not_allowed", "Method not allowed"


class UploadTimeout(ServiceError):
    """The body did not arrive in time."""

    status, code, title = 408, "upload_timeout", "Upload timeout"
    retryable = True


class PaymentConflict(ServiceError):
    """The payment is known already and this request does not fit what is known."""

    status, code, title = 409, "payment_conflict", "Payment conflict"


class PaymentInProgress(PaymentConflict):
    """Another request with the same payment is at work right now, so its money may yet move."""

    code, title = "payment_in_progress", "Payment in progress"
    retryable = True
    charged = True

    def __init__(self, detail: str = "This payment is being worked on. Send the same request again shortly.") -> None:
        super().__init__(detail, retry_after=1)


class PaymentUsed(PaymentConflict):
    """The payment bought something else: another image, other parameters, or its re-deliveries are used up."""

    code, title = "payment_used", "Payment already used"


class FundsUnderWay(PaymentConflict):
    """The payer's other payments under way need what the payer holds; this one is untouched."""

    code, title = "funds_under_way", "Funds under way"
    retryable = True

    def __init__(
        self,
        detail: str = "The payer's payments under way take all that the payer holds. Send this one again when they are "
        "done.",
    ) -> None:
        super().__init__(detail, retry_after=2)


class IdempotencyKeyUsed(PaymentConflict):
    """The payer has used this idempotency key for another image or other parameters."""

    code, title = "idempotency_key_used", "Idempotency key already used"


class UploadTooLarge(ServiceError):
    """The body is over the limit in bytes, declared or counted."""

    status, code, title = 413, "upload_too_large", "Upload too large"


class UnsupportedMediaType(ServiceError):
    """The Content-Type is none of the supported ones."""

    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


class RateLimited(ServiceError):
    """Too many unpaid answers went to this address."""

    status, code, title = 429, "rate_limited", "Too many unpaid requests"
    retryable = True


class InternalError(ServiceError):
    """Our fault, cause in the log under the request id."""

    status, code, title = 500, "internal_error", "Internal error"
    retryable = True


class ProcessingFailed(InternalError):
    """The picture could not be cut out; nothing was charged."""

    code, title = "processing_failed", "Processing failed"


class Unavailable(ServiceError):
    """Something we need is out for now; the same request may be sent again."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"
    retryable = True

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


class DeadlineUnreachable(Unavailable):
    """The payment would expire before it could be settled; nothing was charged, and another payment is needed."""

    code, title = "deadline_unreachable", "Deadline not reachable"
    retryable = False


class PaymentOutcomeUnknown(Unavailable):
    """Money may have moved: the buyer sends the same payment again and never a new one."""

    code, title = "payment_outcome_unknown", "Payment outcome unknown"
    charged = True

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail or "Whether this payment settled is not known yet. Send the same payment again; do not pay anew.",
            retry_after=3,
        )
