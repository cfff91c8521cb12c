"""What OpenAPI says of the routes that clients of remove.bg use."""

from typing import Any

from api.bodies import BASE64, FILE, URL
from api.form import MULTIPART, URLENCODED
from api.json_answer import JSON
from api.json_call import PIXEL
from api.openapi_answers import document, headers, refusals, result_headers
from api.options import FORMATS as OUTPUTS
from api.options import MODEL, OPTIONS
from api.pricing import REMOVE_BG_PATH, PriceList
from api.remove_bg.account import ACCOUNT_PATH
from api.remove_bg.fields import FIXED, FORMATS, OF_SHADOWS, SIZES
from api.remove_bg.headers import RATE_LIMIT_HEADERS

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TRUTH: Json = {"enum": [False, True, "false", "true"]}
_LIMIT = dict(
    zip(
        RATE_LIMIT_HEADERS,
        (
            "Unpaid answers that an address gets in a minute.",
            "Those that are left.",
            "Unix second at which all are there again.",
        ),
        strict=True,
    )
)
_CHARGED = {
    "X-Type": "other: what an image shows is not told apart.",
    "X-Credits-Charged": "1 for an image, 0 for one that was paid before.",
}
_PICTURES: Json = {
    BASE64: {**_TEXT, "contentEncoding": "base64", "description": "The image's file in Base64."},
    URL: {**_TEXT, "format": "uri", "description": "Public http or https URL of the image."},
}
_ATTRIBUTES: Json = {
    "credits": {"type": "object", "description": "All 0: there are no accounts, each image is paid for."},
    "api": {"type": "object", "description": "No free calls, all sizes."},
    "price": {"type": "object", "description": "Of one image."},
}

_ERROR = ["title", "detail", "code"]

ACCOUNT_SCHEMA: Json = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["attributes"],
            "properties": {
                "attributes": {"type": "object", "required": list(_ATTRIBUTES), "properties": _ATTRIBUTES},
            },
        }
    },
}

ERRORS_SCHEMA: Json = {
    "type": "array",
    "description": "On the paths of remove.bg's API: the same as its clients read it, with its code where it has one.",
    "items": {"type": "object", "required": _ERROR, "properties": dict.fromkeys(_ERROR, _TEXT)},
}


def remove_bg_paths(offer: PriceList, paid: Json) -> Json:
    """Both paths.

    Args:
        paid: what every paid operation has: price, header fields and nobody's login.
    """
    return {REMOVE_BG_PATH: {"post": _removal(offer, paid)}, ACCOUNT_PATH: {"get": _ACCOUNT}}


_ACCOUNT: Json = {
    "operationId": "removeBgAccount",
    "summary": "Tell clients of remove.bg that there are no accounts",
    "security": [],
    "responses": document("No credits, and the price of an image.", "Account"),
}


def _removal(offer: PriceList, paid: Json) -> Json:
    answers = refusals(offer)
    for each in answers.values():
        each["headers"] |= headers([_LIMIT], "integer")
    return {
        **paid,
        "operationId": "removeBgCompatible",
        "summary": "Remove the background as the API of remove.bg does",
        "description": "For clients of remove.bg: fields, answers and errors are those of its API 1.0, and a payment "
        "takes the place of the API key. `size` is `preview` unless it is named. What is not offered is refused "
        "before a quote.",
        "requestBody": {"required": True, "content": _bodies(offer)},
        "responses": {
            "200": {
                "description": "The cut-out.",
                "headers": result_headers(offer) | headers([_CHARGED]) | headers([_LIMIT], "integer"),
                "content": {
                    **{each.media_type: {"schema": {**_TEXT, "format": "binary"}} for each in OUTPUTS.values()},
                    JSON: {"schema": {"$ref": "#/components/schemas/Result"}},
                },
            },
            **answers,
        },
    }


def _bodies(offer: PriceList) -> Json:
    """The forms of a request by media type; a file comes in the first one only."""
    fields = _fields(offer)
    file = {FILE: {**_TEXT, "format": "binary"}}
    named = _body(_PICTURES, fields)
    return {
        MULTIPART: {"schema": _body({**file, **_PICTURES}, fields)},
        URLENCODED: {"schema": named},
        JSON: {"schema": named, "example": {BASE64: PIXEL, "size": "full"}},
    }


def _body(pictures: Json, fields: Json) -> Json:
    return {
        "type": "object",
        "properties": {**pictures, **fields},
        "oneOf": [{"required": [each]} for each in pictures],
        "additionalProperties": False,
    }


def _fields(offer: PriceList) -> Json:
    fixed = {name: {"enum": [*values, ""], "description": "Changes nothing."} for name, values in FIXED.items()}
    return {
        "size": {"enum": list(SIZES), "default": "preview", "description": "At most so many pixels."},
        "format": {"enum": list(FORMATS), "default": "auto", "description": "auto: JPEG with bg_color, else PNG."},
        "channels": dict(OPTIONS["channels"].schema),
        "bg_color": dict(OPTIONS["bg_color"].schema),
        "crop": {**_TRUTH, "default": False},
        "crop_margin": {**OPTIONS["crop_margin"].schema, "description": OPTIONS["crop_margin"].description},
        **fixed,
        **{name: {**_TEXT, "description": "Changes nothing: no shadow is added."} for name in OF_SHADOWS},
        MODEL: {"enum": list(offer.names), "default": offer.default.name},
    }
