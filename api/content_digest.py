"""Checks `Content-Digest` (RFC 9530): a body that differs from its digest was damaged in transit."""

import base64
import hashlib
import re
from collections.abc import Iterator

from starlette.datastructures import Headers

from errors import BadRequest

_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""The RFC's two active algorithms; it requires that others are ignored."""

_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")


class ContentDigest:
    """Compares an arriving body with each digest of a known algorithm.

    Raises:
        BadRequest: the field is malformed.
    """

    def __init__(self, headers: Headers) -> None:
        self._running = [(name, sent, _ALGORITHMS[name]()) for name, sent in _members(headers) if name in _ALGORITHMS]

    def update(self, piece: bytes) -> None:
        """Add a piece of the body."""
        for _, _, running in self._running:
            running.update(piece)

    def check(self) -> None:
        """The body is complete. Raises BadRequest if it differs."""
        for name, sent, running in self._running:
            expected = base64.b64encode(running.digest()).decode()
            if sent != expected:
                raise BadRequest(f"The body does not match Content-Digest: its {name} is :{expected}:.")


def _members(headers: Headers) -> Iterator[tuple[str, str]]:
    """Algorithm and Base64 of each digest."""
    for member in ",".join(headers.getlist("content-digest")).split(","):
        found = _MEMBER.fullmatch(member.strip())
        if found is not None:
            yield found[1], found[2]
        elif member.strip():
            raise BadRequest("Malformed Content-Digest; it must be like sha-256=:BASE64: (RFC 9530).")
