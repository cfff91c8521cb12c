"""The steps of a purchase, reported to an observer: a progress bar, a log, or a test that ends the process there."""

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """In order; each is reported when it is done."""

    QUOTED = "quoted"
    SIGNED = "signed"
    """Only in memory: lost with the process, and never sent."""
    RECORDED = "recorded"
    """On disk. The payment is sent only after this."""
    ANSWERED = "answered"
    """The cut-out arrived and is only in memory."""
    RECEIVED = "received"
    """Its digest and the receipt are on disk."""
    RESULT_WRITTEN = "result written"
    RECEIPT_WRITTEN = "receipt written"
    DELIVERED = "delivered"
    WAITING = "waiting"
    """The service asked to wait, or an answer was lost: the same request follows."""


Observer = Callable[[str, Stage], None]
"""Called with the picture's name and the stage."""


def nobody(name: str, stage: Stage) -> None:
    """The observer that does nothing."""
