"""The goods."""

from dataclasses import dataclass

from payments.rail import HeaderFields


@dataclass(frozen=True, slots=True)
class Delivery:
    """A finished answer without its receipt."""

    headers: HeaderFields
    body: bytes
