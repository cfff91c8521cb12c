"""Errors of the service and of the systems it depends on."""

from typing import Any

from errors.base import RetryAction, ServiceError


class ClientDisconnected(ServiceError):
    """The client disconnected before the settlement began, so nothing was charged. Only an intermediary can receive
    this response; the status code is nginx's."""

    status, code, title = 499, "client_disconnected", "Client disconnected"
    retry_action = RetryAction.RESEND_SAME


class InternalError(ServiceError):
    """An internal fault; the log has its cause under the request id."""

    status, code, title = 500, "internal_error", "Internal error"
    retry_action = RetryAction.RESEND_SAME


class ProcessingFailed(InternalError):
    """The image could not be processed; nothing was charged."""

    code, title = "processing_failed", "Processing failed"


class Unavailable(ServiceError):
    """A part of the service is temporarily unavailable; send the same request again later."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"
    retry_action = RetryAction.WAIT_AND_RESEND

    def __init__(self, detail: str, *, retry_after: int = 2, **extra: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)


class Overloaded(Unavailable):
    """The service is at capacity; nothing was charged."""

    code, title = "overloaded", "Overloaded"


class RunnerUnavailable(Unavailable):
    """The model is temporarily unavailable."""

    code, title = "runner_unavailable", "Matting runner unavailable"


class RailUnavailable(Unavailable):
    """The chain, the facilitator or the signer does not respond; it is proven that no money moved."""

    code, title = "rail_unavailable", "Payment rail unavailable"


class LedgerUnavailable(Unavailable):
    """The ledger's database does not respond; without it nothing is sold."""

    code, title = "ledger_unavailable", "Ledger unavailable"
