"""The payment is missing, unacceptable, known already, or its outcome is unknown."""

from errors.base import PaymentState, RetryAction, ServiceError
from errors.request import BadRequest
from errors.service import Unavailable


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


class PictureChanged(PaymentConflict):
    """The payment bought a picture from `image_url`, which now leads to another one, or to none. The picture itself,
    sent with the same payment, is cut out again."""

    code, title = "picture_changed", "Picture changed"
    retry_action = RetryAction.FIX_REQUEST

    def __init__(
        self,
        detail: str = "The URL no longer leads to the picture that was bought. Send that picture itself with the same "
        "payment: it is cut out again, without a charge.",
    ) -> None:
        super().__init__(detail)


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
