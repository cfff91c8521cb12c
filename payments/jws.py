"""JSON Web Signatures in their compact form (RFC 7515 §3.1)."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping

Json = Mapping[str, object]


def compact(head: Json, claims: Json, sign: Callable[[bytes], bytes]) -> str:
    """`HEAD.CLAIMS.SIGNATURE`; deterministic for members in the same order."""
    message = f"{_encoded(head)}.{_encoded(claims)}"
    return f"{message}.{base64url(sign(message.encode()))}"


def base64url(content: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _encoded(part: Json) -> str:
    return base64url(json.dumps(part, separators=(",", ":")).encode())
