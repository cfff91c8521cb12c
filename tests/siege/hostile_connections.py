"""Harmful connections: each kind stays open until the service closes it."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.buying import ROUTE

HEAD = f"POST {ROUTE} HTTP/1.1\r\nHost: cut.example\r\nContent-Type: image/jpeg\r\n"


def connected(url: str, sent: bytes = b"", *, source: str = "127.0.0.1", buffer: int | None = None) -> socket.socket:
    """A connection from a loopback address after these bytes were sent."""
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
    """Sends nothing."""
    return connected(url)


def partial_head(url: str) -> socket.socket:
    """Sends an incomplete head."""
    return connected(url, HEAD.encode()[:40])


def partial_body(url: str) -> socket.socket:
    """Sends three bytes less than declared."""
    return connected(url, f"{HEAD}Content-Length: 6\r\n\r\nabc".encode())


def answered_body(url: str) -> socket.socket:
    """Has a response, and does not complete its body."""
    return connected(url, b"GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")


def idle_keep_alive(url: str) -> socket.socket:
    """Has its response, and stays open."""
    connection = connected(url, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.recv(1000)
    return connection


def unread(url: str) -> socket.socket:
    """Reads none of its many responses."""
    return connected(url, b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 300, buffer=4096)


KINDS: dict[str, Callable[[str], socket.socket]] = {
    each.__name__: each for each in (silent, partial_head, partial_body, answered_body, idle_keep_alive, unread)
}
