"""The parts of a secret that libraries and nodes may quote separately, so that logs can remove them too."""

import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

_URL = re.compile(r"[a-z0-9+.-]+://((?P<user>.*)@)?[^/?#]*(?P<path>[^?#]*)([?](?P<query>.*))?", re.IGNORECASE)
"""A secret may be any text, so nothing here may fail; `urlsplit` raises for some texts and quotes them."""


def secret_parts(secret: str) -> Iterator[str]:
    """The secret itself, and the parts of a PEM or a URL."""
    yield secret.removeprefix("0x")
    if "PRIVATE KEY" in secret:  # in PEM each line is a piece of it
        lines = secret.replace("\\n", "\n").splitlines()
        yield from (line for line in lines if len(line) >= 16 and not line.startswith("-----"))
    yield from parts_of_url(secret)


def parts_of_url(url: str) -> Iterator[str]:
    """Password, path and query of a URL, if they are long enough to be keys."""
    parts = _URL.match(url)
    if parts is None or url.startswith("sqlite"):
        return
    user, path, query = (parts[name] or "" for name in ("user", "path", "query"))
    name, _, password = user.partition(":")
    if not url.startswith(("http", "ws")):
        name = ""  # of a database; there it says who, not that he may
    # Shorter values are not keys, and redacting them would spoil every line.
    yield from _spelt(8, query, name, password, *(value for _, value in parse_qsl(query)))
    yield from _spelt(16, path, *path.split("/"), b64encode(unquote(user).encode()).decode().rstrip("="))


def _spelt(at_least: int, *parts: str) -> Iterator[str]:
    """The parts that are long enough, encoded as in the URL and decoded."""
    yield from {each for part in parts for each in (part, unquote(part)) if len(each) >= at_least}
