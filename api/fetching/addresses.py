"""Decides which addresses are public: IANA's special-purpose registries, and ranges that embed an IPv4 address."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC = tuple(
    ip_network(each)
    for each in (
        "2001::/32",  # Teredo
        "3fff::/20",  # documentation (RFC 9637), which Python 3.11 does not know
        "2002::/16",  # 6to4
        "192.88.99.0/24",  # its relays
        "192.0.0.0/24",  # protocol assignments, some for translation (RFC 7335)
    )
)
"""An unknown translator decides the destination of a translated address. IPv4-mapped, -translated and -compatible
addresses, and NAT64's, are outside the global unicast range."""

_GLOBAL_UNICAST = ip_network("2000::/3")

_ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(address: Address) -> bool:
    """Whether an address is public: neither private, local, reserved nor translated."""
    if isinstance(address, IPv6Address) and not _is_plain(address):
        return False
    if any(address in each for each in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_plain(address: IPv6Address) -> bool:
    return address in _GLOBAL_UNICAST and not address.scope_id and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP


class Allowed:
    """The allowed destinations: public addresses, and the operator's networks."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(each) for each in networks)

    def __contains__(self, text: str) -> bool:
        """Whether an address is allowed; False if it is not an IP address."""
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return any(address in each for each in self._networks) or is_public(address)
