"""The x402 extension `payment-identifier`: the buyer's name for a purchase, in a version 2 payment.

The SDK's module needs a JSON Schema library for one regular expression, so it is not used.
Specification: x402, specs/extensions/payment_identifier.md.
"""

import re
from collections.abc import Mapping
from typing import Any

from errors import MalformedPayment

NAME = "payment-identifier"
_ID = re.compile(r"[a-zA-Z0-9_-]{16,128}")

_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "required": {"type": "boolean"},
        "id": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$"},
    },
    "required": ["required"],
}


def declaration(suggestion: str | None) -> dict[str, Any]:
    """The extension in a quote: optional, with a suggested id. Standard clients echo it in the payment; a client with
    its own id replaces the suggestion."""
    suggested = {} if suggestion is None else {"id": suggestion}
    return {"info": {"required": False, **suggested}, "schema": _SCHEMA}


def read_identifier(extensions: Mapping[str, Any] | None) -> str | None:
    """The identifier in a payment's extensions, if any.

    Raises:
        MalformedPayment: it violates the extension's rules.
    """
    extension = (extensions or {}).get(NAME)
    if extension is None:
        return None
    info = extension.get("info") if isinstance(extension, Mapping) else None
    if not isinstance(info, Mapping):
        raise MalformedPayment(f"The extension {NAME} must have an object `info`.")
    identifier = info.get("id")
    if identifier is None:
        return None
    if not (isinstance(identifier, str) and _ID.fullmatch(identifier)):
        raise MalformedPayment(f"The id of {NAME} must be 16 to 128 letters, digits, hyphens and underscores.")
    return identifier
