"""Buyers: ask for the price, sign, and send the payment with the picture until it is clear what became of it."""

import base64
import json
import time
from itertools import cycle
from typing import Any

import gevent

from loadtests.payers import PAYERS
from loadtests.users.client import Client, is_shed, problem
from loadtests.wallet import NEW_ACCOUNT

QUOTED = "quote, of a buyer"
RECEIPTS = {"x402-v1": "X-PAYMENT-RESPONSE", "x402-v2": "PAYMENT-RESPONSE", "mpp": "Payment-Receipt"}
RAILS = {"x402-v1": "x402", "x402-v2": "x402", "mpp": "mpp"}

_KEYS = cycle(each.key for each in PAYERS)
_DOUBT_S = 90.0
"""For how long a buyer asks who does not know whether the payment has moved."""


def buy(client: Client, way: str) -> None:
    """Buy one picture. The paid request is one class: from its first byte to the last byte of the picture."""
    payment = signed(client, way)
    if payment is None:
        return
    megapixels, picture = client.pictures.next()
    began = time.monotonic()
    while True:
        answer = client.post(f"paid {way}", picture, payment, expected=(200,))
        if answer.status_code == 200:
            delivered(client, way, answer.headers, megapixels)
            return
        wait_s = float((answer.headers or {}).get("Retry-After") or 1)
        is_refused = is_shed(answer) or problem(answer).get("charged") is False
        if is_refused and (not is_shed(answer) or _is_over(began, wait_s, client.patience_s)):
            return
        if _is_over(began, wait_s, _DOUBT_S):
            client.recorder.add("unresolved", [way, answer.status_code])
            return
        gevent.sleep(wait_s)


def signed(client: Client, way: str, *, is_funded: bool = True) -> dict[str, str] | None:
    """The header fields that pay for one picture; None when no price was quoted."""
    quote = client.post(QUOTED, b"", {}, expected=(402,))
    if quote.status_code != 402:
        return None
    assert client.wallet  # noqa: S101 - whoever gets here buys
    quoted = json.loads(base64.b64decode(quote.headers["PAYMENT-REQUIRED"]))
    client.recorder.price(int(quoted["accepts"][0]["amount"]))
    offers = {
        "x402-v1": quote.text,
        "x402-v2": quote.headers["PAYMENT-REQUIRED"],
        "mpp": _joined(quote.headers["WWW-Authenticate"]),
    }
    return client.wallet.sign(way, next(_KEYS) if is_funded else NEW_ACCOUNT, offers[way])


def _joined(fields: str | list[str]) -> str:
    """geventhttpclient gives a list where a field came more than once: a challenge for each currency."""
    return fields if isinstance(fields, str) else ", ".join(fields)


def delivered(client: Client, way: str, headers: Any, megapixels: float) -> None:
    """Record a picture, with the transaction of its receipt ("" without one)."""
    receipt = headers.get(RECEIPTS[way])
    said = json.loads(base64.urlsafe_b64decode(receipt + "==")) if receipt else {}
    transaction = said.get("transaction") or said.get("reference") or ""
    stages = headers.get("Server-Timing") or ""
    client.recorder.add("deliveries", [round(time.time(), 3), RAILS[way], transaction, megapixels, stages])


def _is_over(began: float, wait_s: float, patience_s: float) -> bool:
    return time.monotonic() + wait_s > began + patience_s
