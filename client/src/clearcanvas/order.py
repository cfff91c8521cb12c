"""An order: one picture with options from one service."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from clearcanvas.errors import InvalidSetting
from clearcanvas.picture import Picture

ROUTE = "/v1/remove-background"


def route(url: str, *, allow_http: bool = False) -> str:
    """The URL of the paid route, from a service's origin or from that URL itself.

    Raises:
        InvalidSetting: `url` is not such a URL, or is plain http to another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise InvalidSetting(f"{url!r} must be the URL of a service, such as https://HOST.")
    if parts.scheme == "http" and not (allow_http or _is_loopback(parts.hostname)):
        raise InvalidSetting(
            f"{url!r} must start with https://; plain http lets anyone on the network path change the payee."
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix(ROUTE)}{ROUTE}"


def address(route: str, options: Mapping[str, str]) -> str:
    """The route with the service's query parameters, sorted so that their order does not change the order's id."""
    return f"{route}?{urlencode(sorted(options.items()))}"


@dataclass(frozen=True)
class Order:
    """A picture for a URL of the service; the query of `url` holds the options."""

    url: str
    picture: Picture

    @property
    def id(self) -> str:
        """Identifies this purchase in every run: the Idempotency-Key and the journal's key."""
        return hashlib.sha256(f"{self.url}\n{self.picture.sha256}".encode()).hexdigest()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
