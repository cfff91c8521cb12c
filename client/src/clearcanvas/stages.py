"""The steps of a purchase, told to whoever watches: a progress bar, a log, a test that ends the process there."""

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """In their order; each is told when it is done."""

    QUOTED = "quoted"
    SIGNED = "signed"
    """In memory alone: lost with the process, and never sent."""
    RECORDED = "recorded"
    """On disk. It is sent from here on."""
    ANSWERED = "answered"
    """The cut-out has arrived, in memory alone."""
    RECEIVED = "received"
    """Its digest and the receipt are on disk."""
    RESULT_WRITTEN = "result written"
    RECEIPT_WRITTEN = "receipt written"
    DELIVERED = "delivered"
    WAITING = "waiting"
    """The service has asked to wait, or an answer was lost: the same request follows."""


Observer = Callable[[str, Stage], None]
"""Called with the picture's name and the stage."""


def nobody(name: str, stage: Stage) -> None:
    """Watches nothing."""
