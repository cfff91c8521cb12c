"""Clients that try to get a picture without paying for it. Each has to be refused, and none may cause a 5xx."""

import random
from collections.abc import Callable

from loadtests.users.client import Client
from loadtests.users.purchases import signed

NAME = "hostile"
_REFUSALS = (400, 402, 406, 409, 413, 415, 422, 429)
"""Never 200, never 5xx; 503 for lack of capacity counts as shed."""


def attack(client: Client) -> None:
    """One of the attempts, drawn at random."""
    random.choice(_ATTEMPTS)(client)  # noqa: S311 - no secret


def _garbage(client: Client) -> None:
    """A payment header that cannot be read."""
    client.post(NAME, b"", {"PAYMENT-SIGNATURE": "W10=" * 50}, expected=_REFUSALS)


def _unfunded(client: Client) -> None:
    """A valid signature of an account that holds nothing."""
    payment = signed(client, "x402-v2", is_funded=False)
    if payment:
        client.post(NAME, client.pictures.next()[1], payment, expected=_REFUSALS)


def _forged(client: Client) -> None:
    """A payment of which one character was changed after it was signed."""
    payment = signed(client, "mpp")
    if payment:
        [(name, value)] = payment.items()
        middle = len(value) // 2
        value = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
        client.post(NAME, client.pictures.next()[1], {name: value}, expected=_REFUSALS)


def _not_a_picture(client: Client) -> None:
    """A valid payment for bytes that are no picture."""
    payment = signed(client, "x402-v2")
    if payment:
        client.post(NAME, b"\xff\xd8\xff" + bytes(50_000), payment, expected=_REFUSALS)


_ATTEMPTS: tuple[Callable[[Client], None], ...] = (_garbage, _unfunded, _forged, _not_a_picture)
