"""The offers of a 402 response, read with the SDKs' parsers."""

import re
from dataclasses import dataclass

import httpx
from mpp import Challenge
from mpp.errors import PaymentError
from x402.http.utils import decode_payment_required_header
from x402.schemas import PaymentRequired

_NEXT_CHALLENGE = re.compile(r",\s*(?=Payment )")


@dataclass(frozen=True)
class Offer:
    """One way to pay, not signed yet.

    Attributes:
        network: CAIP-2.
        amount: base units.
    """

    rail: str
    network: str
    asset: str
    payee: str
    amount: int


@dataclass(frozen=True)
class Quote:
    """The offers of one 402.

    Attributes:
        x402: protocol version 2; None if it is not offered or cannot be read.
        mpp: challenges, in the service's order.
    """

    x402: PaymentRequired | None
    mpp: tuple[Challenge, ...]

    @classmethod
    def read(cls, answer: httpx.Response) -> "Quote":
        """The quote in the header fields of a 402; offers that cannot be read are left out."""
        return cls(_x402(answer.headers.get("PAYMENT-REQUIRED")), tuple(_challenges(answer.headers)))


def _x402(value: str | None) -> PaymentRequired | None:
    if value is None:
        return None
    try:
        quote = decode_payment_required_header(value)
    except (ValueError, TypeError, KeyError):
        return None
    return quote if isinstance(quote, PaymentRequired) else None


def _challenges(headers: httpx.Headers) -> list[Challenge]:
    values = [part for value in headers.get_list("WWW-Authenticate") for part in _NEXT_CHALLENGE.split(value)]
    found = []
    for value in values:
        try:
            found.append(Challenge.from_www_authenticate(value))
        except (PaymentError, ValueError, TypeError, KeyError):
            continue
    return found
