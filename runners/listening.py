"""Where a worker listens, by the socket itself: whatever started it, and with whatever options."""

import os
import socket
import sys
from collections.abc import Sequence
from ipaddress import ip_address

from runners.drain import end_service

_SOCKET = "--fd"
"""By which BentoML hands a worker its listening socket."""


def refuse_strangers(token: str | None) -> None:
    """End this worker and its supervisor when other hosts could reach it without a token."""
    address = reachable_address()
    if token is None and address is not None:
        end_service(f"CLEARCANVAS_RUNNER__TOKEN: is missing, and {address} can be reached from other hosts")


def reachable_address(arguments: Sequence[str] = sys.argv) -> str | None:
    """The address under which other hosts reach this worker; None for a Unix socket or a loopback address."""
    host = _host(arguments)
    return None if host is None or ip_address(host).is_loopback else host


def _host(arguments: Sequence[str]) -> str | None:
    if _SOCKET not in arguments[:-1]:
        return None
    with socket.socket(fileno=os.dup(int(arguments[arguments.index(_SOCKET) + 1]))) as listening:
        if listening.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        return str(listening.getsockname()[0])
