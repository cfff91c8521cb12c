"""A buyer on a slow line: the picture takes seconds to arrive, and the cut-out is read as slowly.

Locust's client sends a body at once, so this one speaks through http.client, which gevent makes cooperative.
"""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

import gevent

from loadtests.users.client import CAPACITY, PATH, SHED, Client, from_somewhere
from loadtests.users.purchases import delivered, signed

NAME = "paid slow"
_PIECE = 16_384
_BYTES_S = 100_000


def buy_slowly(client: Client) -> None:
    """Buy one picture over x402 v2 at 100 kB a second both ways."""
    payment = signed(client, "x402-v2")
    if payment is None:
        return
    megapixels, picture = client.pictures.next()
    began = time.time()
    try:
        name, fault = _send(client, picture, payment, megapixels)
    except (OSError, HTTPException) as error:
        name, fault = NAME, f"{type(error).__name__}: {error}"
        client.recorder.add("unresolved", ["slow", fault])
    client.recorder.add("requests", [round(began, 3), name, round((time.time() - began) * 1000, 1), fault])


def _send(client: Client, picture: bytes, payment: dict[str, str], megapixels: float) -> tuple[str, str]:
    """Class and fault of the request."""
    address = urlsplit(client.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(picture)), **from_somewhere(), **payment}
        connection.request("POST", PATH, body=_slowly(picture), headers=headers)
        answer = connection.getresponse()
        body = _read_slowly(answer)
        if answer.status == 200:
            delivered(client, "x402-v2", answer.headers, megapixels)
            return NAME, ""
        if answer.status in CAPACITY and json.loads(body).get("charged") is False:
            return NAME + SHED, ""
        return NAME, f"{answer.status} instead of 200: {body[:200].decode(errors='replace')}"
    finally:
        connection.close()


def _slowly(body: bytes) -> Iterator[bytes]:
    for begin in range(0, len(body), _PIECE):
        yield body[begin : begin + _PIECE]
        gevent.sleep(_PIECE / _BYTES_S)


def _read_slowly(answer: HTTPResponse) -> bytes:
    pieces = []
    while piece := answer.read(_PIECE):
        pieces.append(piece)
        gevent.sleep(_PIECE / _BYTES_S)
    return b"".join(pieces)
