"""The OpenAPI 3.1 description, written by hand with the service's own constants.

The tools of all rails read `x-payment-info`: each rail adds its protocols and offers. The 402 response is authoritative
for the price.
"""

import json
from collections.abc import Iterator
from typing import Any

from api.bodies import BASE64, FILE, URL
from api.form import INPUT_TYPES, MULTIPART
from api.json_answer import JSON
from api.json_call import PIXEL
from api.openapi_answers import HAZE, document, refusals, result_headers
from api.options import FORMATS, MODEL, OPTIONS, Option
from api.pricing import MODELS_PATH, PATH, PriceList
from api.receipt_schemas import PATHS, SCHEMAS
from api.remove_bg.described import ACCOUNT_SCHEMA, ERRORS_SCHEMA, remove_bg_paths
from errors import PaymentState, RetryAction
from version import VERSION

Json = dict[str, Any]

_PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457 problem details; a rail may add its own members.",
    "required": ["type", "title", "status", "detail", "code", "retry_action", "retryable", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable error code."},
        "payment_state": {
            "type": "string",
            "enum": list(PaymentState),
            "description": "State of the request's payment. none: there was none. unused: it moved no money, and this "
            "service can no longer move it. in_flight: it may move, or may have moved. settled: it moved. "
            "spent_elsewhere: it was used, but not for this service's ledger. Absent if unknown.",
        },
        "charged": {
            "type": "boolean",
            "description": "False: the payment moved no money, and this service can no longer move it. True: it moved "
            "or may have moved; send the same payment again and do not sign a new one. Absent if unknown: treat that "
            "as true.",
        },
        "retry_action": {"type": "string", "enum": list(RetryAction), "description": "What to do next."},
        "retryable": {
            "type": "boolean",
            "description": "Whether the identical request may succeed if it is sent again.",
        },
        "retry_after": {"type": "integer", "description": "Seconds to wait before that; equal to Retry-After."},
        "payment_expires_at": {
            "type": "integer",
            "description": "Unix seconds after which the payment can no longer move money.",
        },
        "request_id": {"type": "string"},
        "trace_id": {"type": "string", "description": "Id of the request's trace (W3C Trace Context), if it has one."},
        "errors": ERRORS_SCHEMA,
    },
}

_FILE: Json = {"schema": {"type": "string", "format": "binary"}}

_BASE64: Json = {
    "type": "string",
    "contentEncoding": "base64",
    "description": "The image file in Base64, or as a data URL.",
}

_NAMED: Json = {
    BASE64: _BASE64,
    URL: {
        "type": "string",
        "format": "uri",
        "description": "Public http or https URL of the image, on the default port. The service fetches it after it "
        "has verified the payment.",
    },
}

_QUOTE: Json = {"allOf": [{"$ref": "#/components/schemas/Problem"}], "type": "object"}

_PLACES = ("foreground_left", "foreground_top", "foreground_width", "foreground_height", "width", "height")

_RESULT: Json = {
    "type": "object",
    "description": "The cut-out for clients that accept only JSON; the numbers equal the headers.",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["result_b64", "media_type", "foreground_haze", *_PLACES],
            "properties": {
                "result_b64": {"type": "string", "contentEncoding": "base64", "description": "The cut-out file."},
                "media_type": {"type": "string", "description": "Type of that file.", "examples": ["image/png"]},
                "foreground_haze": {"type": "number", "minimum": 0, "maximum": 1, "description": HAZE},
                **{name: {"type": "integer"} for name in _PLACES},
            },
        }
    },
}

_MODEL_LIST: Json = {
    "type": "object",
    "required": ["models"],
    "properties": {
        "models": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "label", "default", "size", "licence", "price", "url"],
                "properties": {
                    "name": {"type": "string", "description": "The value of `model`."},
                    "label": {"type": "string", "description": "The value of the response header `X-Model`."},
                    "default": {"type": "boolean", "description": "Whether requests without `model` use it."},
                    "size": {"type": "integer", "description": "Pixels per side of the model's input."},
                    "licence": {"type": "string", "description": "Licence of the model's weights."},
                    "price": {
                        "type": "object",
                        "required": ["currency", "amount"],
                        "properties": {"currency": {"const": "USD"}, "amount": {"type": "string"}},
                    },
                    "url": {"type": "string", "description": "URL to POST an image for this model."},
                },
            },
        }
    },
}

_MODELS: Json = {
    "operationId": "listModels",
    "summary": "List the models and their prices per image",
    "security": [],
    "responses": document("The models, the default first.", "Models"),
}


def _contact(offer: PriceList) -> Json:
    contact = offer.contact or offer.public_url
    return {"email": contact.removeprefix("mailto:")} if contact.startswith("mailto:") else {"url": contact}


def openapi(offer: PriceList) -> Json:
    """The OpenAPI document for one offer."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ClearCanvas",
            "version": VERSION,
            "contact": _contact(offer),
            "description": f"Background removal, ${offer.default.price} per image. No account: the response 402 quotes "
            "the price, the next request carries the payment, and only a finished image is charged.",
            "x-guidance": f"POST the bytes of one image to {PATH}. Pay the 402 and send the same request again. "
            "After 503 or a lost response send the same payment again: an image is charged once. A client that signs a "
            "new payment for each attempt must send the same Idempotency-Key with all attempts for one image.",
        },
        "servers": [{"url": offer.public_url}],
        "x-service-info": {
            "categories": ["media"],
            "docs": {
                "homepage": offer.public_url,
                "apiReference": f"{offer.public_url}/openapi.json",
                "llms": f"{offer.public_url}/llms.txt",
            },
        },
        "security": [],
        "paths": {
            PATH: {"post": _operation(offer)},
            MODELS_PATH: {"get": _MODELS},
            **remove_bg_paths(offer, _paid(offer)),
            **(PATHS if offer.key_set else {}),
        },
        "components": {
            "schemas": {
                "Problem": _PROBLEM,
                "Quote": _quote(offer),
                "Models": _MODEL_LIST,
                "Account": ACCOUNT_SCHEMA,
                "Result": _RESULT,
                **(SCHEMAS if offer.key_set else {}),
            }
        },
    }


def _quote(offer: PriceList) -> Json:
    parts = [rail.info.quote_members for rail in offer.rails]
    properties = {name: schema for part in parts for name, schema in part["properties"].items()}
    return {**_QUOTE, "description": " ".join(part["description"] for part in parts), "properties": properties}


def _operation(offer: PriceList) -> Json:
    paid = _paid(offer)
    return {
        **paid,
        "operationId": "removeBackground",
        "summary": "Remove the background of one image",
        "parameters": [
            *(_parameter(name, option) for name, option in OPTIONS.items()),
            {"name": MODEL, "in": "query", **_model(offer)},
            *paid["parameters"],
        ],
        "requestBody": {"required": True, "content": _bodies(offer)},
        "responses": {
            "200": {
                "description": "The cut-out, with straight alpha, in the size of the upright input unless options "
                "change it.",
                "headers": result_headers(offer),
                "content": {
                    **{each.media_type: _FILE for each in FORMATS.values()},
                    JSON: {"schema": {"$ref": "#/components/schemas/Result"}},
                },
            },
            **refusals(offer),
        },
    }


def _paid(offer: PriceList) -> Json:
    """The common part of the paid operations: price and header fields, without authentication."""
    return {
        "x-payment-info": payment_info(offer),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Your identifier of this purchase, preferably a UUID. A new payment with the same key "
                "by the same payer for the same image is not charged: the first purchase is delivered again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
                "example": "5d4f7a0e-0b6c-4f0d-8d0e-6a3c7b1f2a90",
            },
            *_payments(offer),
        ],
        "security": [],
    }


def _payments(offer: PriceList) -> Iterator[Json]:
    """The payment header fields; a request has at most one of them."""
    for rail in offer.rails:
        for name, meaning in rail.info.payment_headers.items():
            yield {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}


def _bodies(offer: PriceList) -> Json:
    """The request bodies by media type: the picture itself, or a form or JSON with the picture and options."""
    model = _model(offer)
    options = {
        **{name: {**each.schema, "description": each.description} for name, each in OPTIONS.items()},
        MODEL: {**model["schema"], "description": model["description"]},
    }
    return {
        **dict.fromkeys(INPUT_TYPES, _FILE),
        MULTIPART: {"schema": _one_of({FILE: _FILE["schema"], **_NAMED}, options)},
        JSON: {"schema": _one_of(_NAMED, options), "example": {BASE64: PIXEL, "format": "webp"}},
    }


def _one_of(pictures: Json, options: Json) -> Json:
    """An object with one of the pictures, and any options."""
    return {
        "type": "object",
        "properties": {**pictures, **options},
        "oneOf": [{"required": [each]} for each in pictures],
        "additionalProperties": False,
    }


def _model(offer: PriceList) -> Json:
    return {
        "description": f"The model to use; each has its own price: {prices(offer)}.",
        "schema": {"type": "string", "enum": list(offer.names), "default": offer.default.name},
    }


def _parameter(name: str, option: Option) -> Json:
    schema = dict(option.schema)
    example = option.example if schema["type"] == "string" else json.loads(option.example)
    return {"name": name, "in": "query", "description": option.description, "schema": schema, "example": example}


def prices(offer: PriceList) -> str:
    """Every model with its price, the default first: `small $0.05, large $0.15`."""
    return ", ".join(f"{each.name} ${each.price}" for each in offer.models)


def payment_info(offer: PriceList) -> Json:
    """`x-payment-info`: the price of one call with the default model on each rail."""
    parts = [
        rail.info.payment_info([each.address for each in rail.tokens], offer.default.price) for rail in offer.rails
    ]
    offers = [each for part in parts for each in part.offers]
    protocols = [each for part in parts for each in part.protocols]
    price = {"mode": "fixed", "currency": "USD", "amount": str(offer.default.price)}
    return {"offers": offers, "price": price, "protocols": protocols}
