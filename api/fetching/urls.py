"""Checks a URL before its host is resolved."""

import re
from collections.abc import Sequence
from ipaddress import ip_address

from yarl import URL

from api.fetching.addresses import Allowed
from errors import ImageNotFetched

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_CHARS = 4_096
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f\\]")


def read_url(text: str, allowed: Allowed, ports: Sequence[int]) -> URL:
    """Parse and check a URL; its host name is not resolved yet.

    Args:
        ports: allowed besides the default ports.

    Raises:
        ImageNotFetched: it is malformed, or its scheme, port or address is not allowed.
    """
    url = _parsed(text)
    if url.scheme not in _DEFAULT_PORTS or not url.host:
        raise ImageNotFetched("image_url must be an absolute http or https URL. Send a data URL as image_file_b64.")
    if url.user is not None or url.password is not None:
        raise ImageNotFetched("image_url must not contain a user or password.")
    if url.port not in (_DEFAULT_PORTS[url.scheme], *ports):
        raise ImageNotFetched("The port of image_url is not allowed. Use 80 for http, 443 for https.")
    if _is_address(url.host) and url.host not in allowed:
        raise not_public()
    return url.with_fragment(None)


def not_public() -> ImageNotFetched:
    """The refusal of an address that is not public."""
    return ImageNotFetched("The address of image_url is not public. Send the image itself.")


def _parsed(text: str) -> URL:
    if len(text) > _MAX_CHARS or _NOT_IN_URLS.search(text):
        raise ImageNotFetched(f"image_url must be a URL of up to {_MAX_CHARS} characters, without spaces.")
    try:
        return URL(text)
    except ValueError as error:
        raise ImageNotFetched("image_url must be a valid URL.") from error


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
