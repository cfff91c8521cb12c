"""The types for a package's section of the settings: `Section`, `Fault` and the kinds of values.

Other packages use the names listed here; they import nothing from the modules below.
"""

from settings_types.secret_parts import parts_of_url
from settings_types.section import MISSING, Fault, Section, required, reveal
from settings_types.types import (
    Address,
    ApiKeySecret,
    CidrBlock,
    CommaSeparated,
    Contact,
    DatabaseUrl,
    Ed25519PublicKey,
    Ed25519Seed,
    IpAddress,
    JsonValue,
    Price,
    PrivateKeyHex,
    RedisUrl,
    Secret32,
    SecretUrl,
    Url,
    Whole,
    account_of,
    check_price,
    is_loopback,
    is_private,
)

__all__ = [
    "MISSING",
    "Address",
    "ApiKeySecret",
    "CidrBlock",
    "CommaSeparated",
    "Contact",
    "DatabaseUrl",
    "Ed25519PublicKey",
    "Ed25519Seed",
    "Fault",
    "IpAddress",
    "JsonValue",
    "Price",
    "PrivateKeyHex",
    "RedisUrl",
    "Secret32",
    "SecretUrl",
    "Section",
    "Url",
    "Whole",
    "account_of",
    "check_price",
    "is_loopback",
    "is_private",
    "parts_of_url",
    "required",
    "reveal",
]
