"""A limit on nesting in a payment's JSON. Parsing deeply nested JSON takes milliseconds, so it is refused before."""

MAX_BRACKETS = 256
"""Payments of standard clients have about ten, with extensions some dozens."""


def nests_too_deep(json: bytes) -> bool:
    """Whether a JSON text has more objects and arrays than a payment may have."""
    return json.count(b"[") + json.count(b"{") > MAX_BRACKETS
