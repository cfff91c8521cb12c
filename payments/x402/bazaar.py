"""The x402 extension `bazaar`: how to call the endpoint, for catalogues and for agents that read only the quote.

The SDK's module builds the same from dataclasses, again for each quote, although it never changes.
Specification: x402, specs/extensions/bazaar.md.
"""

from typing import Any

from payments.order import JsonCall

NAME = "bazaar"


def declaration(call: JsonCall, method: str) -> dict[str, Any]:
    """An example of a call and its response, and the schema of both."""
    accept = {"Accept": "application/json"}
    return {
        "info": {
            "input": {"type": "http", "method": method, "bodyType": "json", "body": call.body, "headers": accept},
            "output": {"type": "json", "example": call.answer},
        },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "input": {
                    "type": "object",
                    "properties": {
                        "type": {"const": "http"},
                        "method": {"const": method},
                        "bodyType": {"const": "json"},
                        "body": call.body_schema,
                        "headers": {"type": "object"},
                    },
                    "required": ["type", "method", "bodyType", "body"],
                },
                "output": {
                    "type": "object",
                    "properties": {"type": {"const": "json"}, "example": call.answer_schema},
                    "required": ["type"],
                },
            },
            "required": ["input"],
        },
    }
