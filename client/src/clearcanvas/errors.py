"""The errors that a buyer can meet, as one tree, with their exit codes.

    ClearCanvasError                exit code
    ├─ PictureRefused               1   this picture cannot be bought; it was not charged
    │  └─ ResultInTheWay            1   another file has the result's name; nothing was charged
    ├─ InvalidSetting               2   an option, a URL or a file name is invalid
    ├─ BudgetExhausted              3   the next payment would exceed the budget
    ├─ OutcomeUnknown               4   the payment may have been charged: run again to resend the same payment
    │  └─ AlreadyPaid               4   the picture was paid, and the service no longer delivers for that payment
    ├─ ReceiptInvalid               6   a receipt is not signed by the given key, or names other files
    └─ CannotBuy                    5   the service cannot be reached or does not sell now
       └─ WalletProblem             5   no key, no funds, or no offer that this wallet can pay

Foreign exceptions (httpx, x402, mpp, sqlite3, OSError) are mapped to these where they enter. No message holds a key
or a payment.
"""

from typing import ClassVar


class ClearCanvasError(Exception):
    """Base class; the message says what is wrong and what to do."""

    exit_code: ClassVar[int] = 1
    stops_the_run: bool = False
    """Whether the next picture would fail for the same reason."""


class PictureRefused(ClearCanvasError):
    """This picture was not bought and not charged; sending it again does not help."""

    exit_code = 1


class ResultInTheWay(PictureRefused):
    """A file has the result's name and is not the bought result; only `overwrite` replaces it."""


class InvalidSetting(ClearCanvasError):
    """An option, URL or file name is invalid; nothing was charged."""

    exit_code = 2
    stops_the_run = True


class BudgetExhausted(ClearCanvasError):
    """The next payment would exceed the budget; the client did not send it."""

    exit_code = 3


class OutcomeUnknown(ClearCanvasError):
    """Money may have moved. The payment stays on record: the same call resends it and never signs a second one."""

    exit_code = 4

    def __init__(self, message: str, *, stops_the_run: bool = False) -> None:
        super().__init__(message)
        self.stops_the_run = stops_the_run


class AlreadyPaid(OutcomeUnknown):
    """The picture was paid, and the service no longer delivers for that payment. Only `pay_again` buys it again."""


class ReceiptInvalid(ClearCanvasError):
    """A receipt is not valid: it has no signature, has one by another key, or names other files."""

    exit_code = 6


class CannotBuy(ClearCanvasError):
    """The service cannot be reached or does not sell now; every payment is on record."""

    exit_code = 5
    stops_the_run = True


class WalletProblem(CannotBuy):
    """The key is missing or invalid, the wallet lacks funds, or it can pay none of the offers."""
