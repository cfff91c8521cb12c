"""What a visit of each kind of client is."""

import time
from collections.abc import Callable
from functools import partial

from loadtests.profile import Kind
from loadtests.users.client import Client
from loadtests.users.hostile import attack
from loadtests.users.purchases import buy
from loadtests.users.slow import buy_slowly

_PAGES = ("/openapi.json", "/llms.txt", "/healthz")


def _quote(client: Client) -> None:
    """Ask for the price with an empty request, and go."""
    client.post("quote, empty request", b"", {}, expected=(402,))


def _window_shopper(client: Client) -> None:
    """Read the descriptions, ask for the price with a picture, and go."""
    for page in _PAGES:
        client.get(page, "page")
    client.post("quote, with photo", client.pictures.next()[1], {}, expected=(402,))


VISITS: dict[Kind, Callable[[Client], None]] = {
    "x402-v1": partial(buy, way="x402-v1"),
    "x402-v2": partial(buy, way="x402-v2"),
    "mpp": partial(buy, way="mpp"),
    "slow": buy_slowly,
    "quote": _quote,
    "window-shopper": _window_shopper,
    "hostile": attack,
}


def visit(kind: Kind, client: Client) -> None:
    """One visit. What breaks down in our own code fails like a request, and is not lost in a greenlet."""
    try:
        VISITS[kind](client)
    except Exception as error:  # noqa: BLE001  # see above
        client.recorder.add("requests", [time.time(), f"{kind}, broke down", 0.0, f"{type(error).__name__}: {error}"])
