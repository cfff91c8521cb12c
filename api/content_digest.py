"""`Content-Digest` (RFC 9530): a body that differs from the digest sent with it was damaged on its way."""

import base64
import hashlib
import re

from starlette.datastructures import Headers

from errors import BadRequest

_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""The two that the RFC calls active; others are ignored, as it demands."""

_MEMBER = re.compile(r"([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):")


def check_digest(headers: Headers, body: bytes) -> None:
    """Compare the whole body with every digest that is known.

    Raises:
        BadRequest: one differs, or the field cannot be read.
    """
    for member in _members(headers):
        found = _MEMBER.fullmatch(member)
        if found is None:
            raise BadRequest("Content-Digest cannot be read; it must be like sha-256=:BASE64: (RFC 9530).")
        if (algorithm := _ALGORITHMS.get(found[1])) is not None:
            expected = base64.b64encode(algorithm(body).digest()).decode()
            if found[2] != expected:
                raise BadRequest(f"The body does not match Content-Digest: its {found[1]} is :{expected}:.")


def _members(headers: Headers) -> list[str]:
    values = ",".join(headers.getlist("content-digest"))
    return [each.strip() for each in values.split(",") if each.strip()]
