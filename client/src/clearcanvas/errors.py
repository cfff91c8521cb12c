"""Everything that can go wrong for a buyer, as one tree, and the exit code of each.

    ClearCanvasError                exit code
    ├─ PictureRefused               1   this picture cannot be bought; nothing was paid for it
    │  └─ ResultInTheWay            1   another file has the result's name; nothing was paid
    ├─ InvalidSetting               2   an option, an address or a file name is wrong
    ├─ BudgetExhausted              3   the next payment would exceed the budget
    ├─ OutcomeUnknown               4   it may have been paid: run again, the same payment is sent again
    │  └─ AlreadyPaid               4   it was paid, and can no longer be fetched by that payment
    ├─ ReceiptInvalid               6   a receipt is not signed by the key that was given, or is about other files
    └─ CannotBuy                    5   the service cannot be reached or does not sell now
       └─ WalletProblem             5   no key, no funds, or no offer that this wallet pays

Foreign exceptions (httpx, x402, mpp, sqlite3, OSError) are mapped to these where they enter. No message holds a key
or a payment.
"""

from typing import ClassVar


class ClearCanvasError(Exception):
    """Base of all; its text says what is wrong and what to do."""

    exit_code: ClassVar[int] = 1
    stops_the_run: bool = False
    """Whether the next picture would fail for the same reason."""


class PictureRefused(ClearCanvasError):
    """This picture was not bought, nothing was paid for it, and sending it again will not help."""

    exit_code = 1


class ResultInTheWay(PictureRefused):
    """A file has the result's name and is not what was bought; it is not overwritten unasked."""


class InvalidSetting(ClearCanvasError):
    """An option, address or file name is wrong; nothing was paid."""

    exit_code = 2
    stops_the_run = True


class BudgetExhausted(ClearCanvasError):
    """The next payment would exceed the budget; it was not sent."""

    exit_code = 3


class OutcomeUnknown(ClearCanvasError):
    """Money may have moved. The payment is kept: the same call sends it again, and never a new one in doubt."""

    exit_code = 4

    def __init__(self, message: str, *, stops_the_run: bool = False) -> None:
        super().__init__(message)
        self.stops_the_run = stops_the_run


class AlreadyPaid(OutcomeUnknown):
    """The picture was paid, and the service no longer delivers for that payment. Only `pay_again` buys it anew."""


class ReceiptInvalid(ClearCanvasError):
    """A receipt does not prove what it says: another key has signed it, or none, or it is about other files."""

    exit_code = 6


class CannotBuy(ClearCanvasError):
    """The service cannot be reached, or does not sell now; nothing was paid that is not on record."""

    exit_code = 5
    stops_the_run = True


class WalletProblem(CannotBuy):
    """The key is missing or wrong, the wallet lacks funds, or nothing on offer can be paid with it."""
