"""Bodies in which a picture is sent, as clients write them."""

import base64
import json
from typing import Any

BOUNDARY = "----boundary7"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
JSON = "application/json"

Part = tuple[str, bytes, str]
"""The name of a field, its content, and further parameters and header lines."""


def part(name: str, content: bytes | str, more: str = "") -> Part:
    """One part of a form; `more` follows its name in the header."""
    return name, content.encode() if isinstance(content, str) else content, more


def file_part(content: bytes, media_type: str = "image/jpeg") -> Part:
    """A picture as browsers and curl send it."""
    return part("image_file", content, f'; filename="photo.jpg"\r\nContent-Type: {media_type}')


def multipart(*parts: Part, end: str = f"--{BOUNDARY}--\r\n") -> bytes:
    """A form of these parts."""
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"
        for name, content, more in parts
    )
    return body + end.encode()


def as_json(picture: bytes, **members: Any) -> bytes:
    """A picture as Base64 in JSON."""
    return json.dumps({"image_file_b64": base64.b64encode(picture).decode(), **members}).encode()
