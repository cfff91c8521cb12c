"""The remove.bg routes in OpenAPI."""

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
            "Limit on unpaid answers per address and minute.",
            "Remaining unpaid answers.",
            "Unix second at which the limit resets.",
        ),
        strict=True,
    )
)
_CHARGED = {
    "X-Type": "Always other: images are not classified.",
    "X-Credits-Charged": "1 for an image, 0 for one that was paid by an earlier request.",
}
_PICTURES: Json = {
    BASE64: {**_TEXT, "contentEncoding": "base64", "description": "The image file in Base64."},
    URL: {**_TEXT, "format": "uri", "description": "Public http or https URL of the image."},
}
_ATTRIBUTES: Json = {
    "credits": {"type": "object", "description": "All 0: there are no accounts, each image is paid."},
    "api": {"type": "object", "description": "No free calls, all sizes."},
    "price": {"type": "object", "description": "Price of one image."},
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
    "description": "On the paths of remove.bg's API: the error in its format, with its code if it has one.",
    "items": {"type": "object", "required": _ERROR, "properties": dict.fromkeys(_ERROR, _TEXT)},
}


def remove_bg_paths(offer: PriceList, paid: Json) -> Json:
    """Both paths.

    Args:
        paid: the common part of the paid operations.
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
        "description": "For clients of remove.bg: fields, responses and errors follow its API 1.0, and a payment "
        "replaces the API key. `size` defaults to `preview`. Unsupported values are refused before a quote.",
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
    """The request bodies by media type; only the first one can have a file."""
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
    fixed = {name: {"enum": [*values, ""], "description": "Has no effect."} for name, values in FIXED.items()}
    return {
        "size": {"enum": list(SIZES), "default": "preview", "description": "Largest number of pixels."},
        "format": {"enum": list(FORMATS), "default": "auto", "description": "auto: JPEG with bg_color, otherwise PNG."},
        "channels": dict(OPTIONS["channels"].schema),
        "bg_color": dict(OPTIONS["bg_color"].schema),
        "crop": {**_TRUTH, "default": False},
        "crop_margin": {**OPTIONS["crop_margin"].schema, "description": OPTIONS["crop_margin"].description},
        **fixed,
        **{name: {**_TEXT, "description": "Has no effect: no shadow is added."} for name in OF_SHADOWS},
        MODEL: {"enum": list(offer.names), "default": offer.default.name},
    }
