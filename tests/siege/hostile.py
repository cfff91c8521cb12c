"""Connections that are there to harm: each kind stays until the service ends it."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.buying import ROUTE

HEAD = f"POST {ROUTE} HTTP/1.1\r\nHost: cut.example\r\nContent-Type: image/jpeg\r\n"


def connected(url: str, sent: bytes = b"", *, source: str = "127.0.0.1", buffer: int | None = None) -> socket.socket:
    """A connection from an address of this machine on which these bytes were sent."""
    address = urlsplit(url)
    connection = socket.socket()
    if buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.bind((source, 0))
    connection.settimeout(10)
    connection.connect((address.hostname, address.port))
    connection.sendall(sent)
    return connection


def silent(url: str) -> socket.socket:
    """Says nothing."""
    return connected(url)


def half_a_head(url: str) -> socket.socket:
    """Does not complete its header fields."""
    return connected(url, HEAD.encode()[:40])


def half_a_body(url: str) -> socket.socket:
    """Sends three bytes less than it has said."""
    return connected(url, f"{HEAD}Content-Length: 6\r\n\r\nabc".encode())


def answered_body(url: str) -> socket.socket:
    """Has an answer, and owes the rest of its body."""
    return connected(url, b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")


def kept_alive(url: str) -> socket.socket:
    """Has its answer, and stays."""
    connection = connected(url, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.recv(1000)
    return connection


def unread(url: str) -> socket.socket:
    """Reads none of its many answers."""
    return connected(url, b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 300, buffer=4096)


KINDS: dict[str, Callable[[str], socket.socket]] = {
    each.__name__: each for each in (silent, half_a_head, half_a_body, answered_body, kept_alive, unread)
}
