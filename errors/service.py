"""The service is at fault, or something that it needs."""

from typing import Any

from errors.base import RetryAction, ServiceError


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
