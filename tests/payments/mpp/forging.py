"""Takes a signed Tempo transaction apart, and puts another one together that is signed just as well."""

from typing import Any

import rlp  # type: ignore[import-untyped]  # ships no types
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

FIELDS = (
    "chain",
    "tip",
    "price",
    "gas",
    "calls",
    "access",
    "nonce_key",
    "nonce",
    "before",
    "after",
    "fee_token",
    "sponsor",
    "authorizations",
    "signature",
)
"""The names of the fields, in their order."""


def fields_of(raw: str) -> dict[str, Any]:
    """The fields of a signed transaction (0x-hex), by name."""
    return dict(zip(FIELDS, rlp.decode(decode_hex(raw)[1:]), strict=True))


def raw_of(fields: dict[str, Any]) -> str:
    """The transaction with these fields, 0x-hex, with the signature that stands among them."""
    return f"0x76{rlp.encode([fields[name] for name in FIELDS]).hex()}"


def changed(raw: str, **fields: Any) -> str:
    """The transaction with other fields and the old signature."""
    return raw_of({**fields_of(raw), **fields})


def signed(raw: str, key: str, **fields: Any) -> str:
    """The transaction with other fields, signed by this key (0x-hex)."""
    values = {**fields_of(raw), **fields}
    digest = keccak(b"\x76" + rlp.encode([values[name] for name in FIELDS[:-1]]))
    signature = PrivateKey(decode_hex(key)).sign_msg_hash(digest).to_bytes()
    return raw_of({**values, "signature": signature[:64] + bytes([signature[64] + 27])})


def number(value: int) -> bytes:
    """As RLP wants it."""
    return value.to_bytes((value.bit_length() + 7) // 8)
