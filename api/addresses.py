"""What counts as one client."""

import ipaddress
from functools import lru_cache

from starlette.types import Scope


@lru_cache(1024)  # a request asks twice
def network(address: str) -> str:
    """An IPv4 address, or an IPv6 /64, which is what one customer line is given."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)


def address_of(scope: Scope) -> str:
    """The `network` that a request comes from."""
    return network(scope["client"][0] if scope.get("client") else "unknown")
