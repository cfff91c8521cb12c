"""Groups addresses into clients."""

import ipaddress
from functools import lru_cache

from starlette.types import Scope


@lru_cache(1024)  # each request calls it twice
def network(address: str) -> str:
    """An IPv4 address, or its IPv6 /64, because a provider assigns at least a /64 to each line."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.IPv6Network((ip, 64), strict=False))
    return str(ip)


def address_of(scope: Scope) -> str:
    """The `network` of a request's client."""
    return network(scope["client"][0] if scope.get("client") else "unknown")
