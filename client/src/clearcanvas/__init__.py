"""Buys background removal from a ClearCanvas service: each picture once, within a budget, over x402 or MPP.

from clearcanvas import Client, Wallet

with Client("https://HOST", wallet=Wallet.load(), journal="purchases.sqlite3", max_spend="1.00") as client:
    client.remove_background_file("photo.jpg", "cutout.png")
"""

from clearcanvas.client import AsyncClient, CutOut, Outcome
from clearcanvas.errors import (
    AlreadyPaid,
    BudgetExhausted,
    CannotBuy,
    ClearCanvasError,
    InvalidSetting,
    OutcomeUnknown,
    PictureRefused,
    ReceiptInvalid,
    ResultInTheWay,
    WalletProblem,
)
from clearcanvas.quote import Offer
from clearcanvas.stages import Stage
from clearcanvas.sync import Client
from clearcanvas.verification import verify
from clearcanvas.wallet import Wallet

__all__ = [
    "AlreadyPaid",
    "AsyncClient",
    "BudgetExhausted",
    "CannotBuy",
    "ClearCanvasError",
    "Client",
    "CutOut",
    "InvalidSetting",
    "Offer",
    "Outcome",
    "OutcomeUnknown",
    "PictureRefused",
    "ReceiptInvalid",
    "ResultInTheWay",
    "Stage",
    "Wallet",
    "WalletProblem",
    "verify",
]
