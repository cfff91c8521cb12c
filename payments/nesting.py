"""Payments are small JSON; what nests without measure costs milliseconds, and is refused before it is parsed."""

MAX_BRACKETS = 256
"""Payments of stock clients have about ten, with extensions some dozens."""


def nests_too_deep(json: bytes) -> bool:
    """Whether a JSON text has more objects and arrays than any payment."""
    return json.count(b"[") + json.count(b"{") > MAX_BRACKETS
