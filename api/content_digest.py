"""`Content-Digest` (RFC 9530): a body that differs from the digest sent with it was damaged on its way."""

import base64
import hashlib
import re
from collections.abc import Iterator

from starlette.datastructures import Headers

from errors import BadRequest

_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""The two that the RFC calls active; others are ignored, as it demands."""

_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")


class ContentDigest:
    """Compares a body with every digest that was sent with it and is known, while it arrives.

    Raises:
        BadRequest: the field cannot be read.
    """

    def __init__(self, headers: Headers) -> None:
        self._running = [(name, sent, _ALGORITHMS[name]()) for name, sent in _members(headers) if name in _ALGORITHMS]

    def update(self, piece: bytes) -> None:
        """Take a piece of the body."""
        for _, _, running in self._running:
            running.update(piece)

    def check(self) -> None:
        """The body has come as a whole. Raises BadRequest: it differs."""
        for name, sent, running in self._running:
            expected = base64.b64encode(running.digest()).decode()
            if sent != expected:
                raise BadRequest(f"The body does not match Content-Digest: its {name} is :{expected}:.")


def _members(headers: Headers) -> Iterator[tuple[str, str]]:
    """Name and Base64 of each digest."""
    for member in ",".join(headers.getlist("content-digest")).split(","):
        found = _MEMBER.fullmatch(member.strip())
        if found is not None:
            yield found[1], found[2]
        elif member.strip():
            raise BadRequest("Content-Digest cannot be read; it must be like sha-256=:BASE64: (RFC 9530).")
