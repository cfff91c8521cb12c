"""The listen address of a worker, read from its socket, so that it does not depend on how the worker was started."""

import os
import socket
import sys
from collections.abc import Sequence
from ipaddress import ip_address

from runners.drain import stop_service

_SOCKET = "--fd"
"""BentoML passes the listening socket to a worker with this option."""


def require_token(token: str | None) -> None:
    """Stop this worker and its supervisor if other hosts can reach it and no token is configured."""
    address = reachable_address()
    if token is None and address is not None:
        stop_service(f"CLEARCANVAS_RUNNER__TOKEN: is missing, and {address} can be reached from other hosts")


def reachable_address(arguments: Sequence[str] = sys.argv) -> str | None:
    """The address at which other hosts can reach this worker; None for a Unix socket or a loopback address."""
    host = _host(arguments)
    return None if host is None or ip_address(host).is_loopback else host


def _host(arguments: Sequence[str]) -> str | None:
    if _SOCKET not in arguments[:-1]:
        return None
    with socket.socket(fileno=os.dup(int(arguments[arguments.index(_SOCKET) + 1]))) as listening:
        if listening.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        return str(listening.getsockname()[0])
