"""A minimal JSON request, which quotes show to agents."""

from api.bodies import BASE64
from payments import JsonCall

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""

_TEXT = {"type": "string"}
_RESULT = {"type": "object", "properties": {"result_b64": _TEXT, "media_type": _TEXT}, "required": ["result_b64"]}

JSON_CALL = JsonCall(
    body={BASE64: PIXEL},
    body_schema={
        "type": "object",
        "properties": {BASE64: {**_TEXT, "description": "PNG, JPEG or WebP file in Base64"}, "format": _TEXT},
        "required": [BASE64],
    },
    answer={"data": {"result_b64": PIXEL, "media_type": "image/png"}},
    answer_schema={"type": "object", "properties": {"data": _RESULT}, "required": ["data"]},
)
