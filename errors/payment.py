"""Errors of the payment: it is missing, invalid or already known, or its outcome is unknown."""

from errors.base import PaymentState, RetryAction, ServiceError
from errors.request import BadRequest
from errors.service import Unavailable


class MalformedPayment(BadRequest):
    """A payment header is unreadable or too large, or the request contains more than one payment."""

    code, title = "malformed_payment", "Malformed payment"


class PaymentRequired(ServiceError):
    """The request contains no payment; headers and body contain the quote."""

    status, code, title = 402, "payment_required", "Payment required"
    payment_state: PaymentState | None = PaymentState.NONE
    retry_action = RetryAction.PAY


class PaymentRejected(PaymentRequired):
    """The payment was rejected and provably moved no money; this service can no longer move it. `reason` is the rail's
    code."""

    code, title = "payment_rejected", "Payment rejected"
    payment_state: PaymentState | None = PaymentState.UNUSED
    retry_action = RetryAction.NEW_PAYMENT
    reason: str

    def __init__(self, detail: str, *, reason: str, type: str | None = None) -> None:
        super().__init__(detail, members={"reason": reason}, type=type)
        self._set(reason=reason)


class DeadlineUnreachable(PaymentRejected):
    """The payment expires before processing and settlement can finish; a new payment is required."""

    code, title = "deadline_unreachable", "Deadline not reachable"

    def __init__(self, detail: str, *, reason: str = code, type: str | None = None) -> None:
        super().__init__(detail, reason=reason, type=type)


class PayerRefused(ServiceError):
    """The operator sells nothing to the account that signed the payment."""

    status, code, title = 403, "payer_refused", "Payer refused"

    def __init__(self, detail: str = "This service sells nothing to the account that signed this payment.") -> None:
        super().__init__(detail)


class PaymentConflict(ServiceError):
    """The payment is already known and does not match this request."""

    status, code, title = 409, "payment_conflict", "Payment conflict"
    retry_action = RetryAction.NEW_PAYMENT


class PaymentInProgress(PaymentConflict):
    """Another request with the same payment is being processed, so the payment may still move money."""

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
    """The payment bought another image or other parameters, or its re-deliveries are used up."""

    code, title = "payment_used", "Payment already used"


class PictureChanged(PaymentConflict):
    """The payment bought an image from `image_url`, which now returns another image or none. Send the original image
    itself with the same payment to get the result again."""

    code, title = "picture_changed", "Image changed"
    retry_action = RetryAction.FIX_REQUEST

    def __init__(
        self,
        detail: str = "The URL no longer returns the image that was bought. Send that image itself with the same "
        "payment to get the result again without a charge.",
    ) -> None:
        super().__init__(detail)


class PaymentSpentElsewhere(PaymentConflict):
    """The chain shows the payment as used, and this ledger did not use it: it buys nothing here.

    Args:
        paid_us: whether the money went to this seller. Then the buyer is not asked for a new payment, because another
            service of this seller, or a lost ledger, owes the result.
    """

    code, title = "payment_spent_elsewhere", "Payment spent elsewhere"
    payment_state = PaymentState.SPENT_ELSEWHERE
    retry_action = RetryAction.ASK_OPERATOR

    def __init__(self, detail: str, *, paid_us: bool) -> None:
        super().__init__(detail)
        self._set(retry_action=RetryAction.ASK_OPERATOR if paid_us else RetryAction.NEW_PAYMENT)


class FundsUnderWay(PaymentConflict):
    """The payer's balance is committed to other payments in progress; this payment is unused."""

    code, title = "funds_under_way", "Funds under way"
    retry_action = RetryAction.WAIT_AND_RESEND

    def __init__(
        self,
        detail: str = "The payer's balance is committed to payments still in progress. Retry when they complete.",
    ) -> None:
        super().__init__(detail, retry_after=2)


class IdempotencyKeyUsed(PaymentConflict):
    """The payer used this idempotency key for another image or other parameters."""

    code, title = "idempotency_key_used", "Idempotency key already used"
    retry_action = RetryAction.FIX_REQUEST


class PaymentOutcomeUnknown(Unavailable):
    """The payment may have moved money: the buyer must send the same payment again, never a new one."""

    code, title = "payment_outcome_unknown", "Payment outcome unknown"
    payment_state = PaymentState.IN_FLIGHT

    def __init__(self, detail: str | None = None, *, expires_at: int | None = None) -> None:
        super().__init__(
            detail or "It is not known yet whether this payment settled. Send the same payment again, not a new one.",
            retry_after=3,
        )
        self._set(payment_expires_at=expires_at)
