"""The types of settings' values. A validator's text follows the setting's name and contains no secret."""

import ipaddress
import json
import re
from base64 import b64decode
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from eth_keys.datatypes import PrivateKey
from eth_utils.address import is_checksum_address, is_hex_address
from eth_utils.exceptions import ValidationError
from eth_utils.hexadecimal import decode_hex
from pydantic import AfterValidator, BeforeValidator, SecretStr

_ED25519_SEED = re.compile("[0-9a-fA-F]{64}")
_ED25519_PUBLIC = re.compile("[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""The last character holds four bits."""


def _parts(text: str) -> SplitResult:
    """`urlsplit` without its error text, which could quote part of an unescaped password."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("cannot be read as a URL; escape special characters of a password with %XX") from None
    return parts


def _url(text: str) -> str:
    parts = _parts(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http(s) URL without query or fragment")
    return text.rstrip("/")


def _contact(text: str) -> str:
    parts = _parts(text)
    if parts.scheme not in ("mailto", "https", "tel") or not (parts.netloc or parts.path):
        raise ValueError("must be a mailto:, https: or tel: URI, such as mailto:security@example.com")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::") from None


def is_loopback(host: str | None) -> bool:
    """Whether only this machine can reach that host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def is_private(host: str | None) -> bool:
    """Whether only a private network can have that host: loopback, an address that is not global, a name without a dot
    (containers, Kubernetes), or one that ends in .internal or .local."""
    name = (host or "").rstrip(".")
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        is_label = "." not in name and not name[:1].isdigit()  # a number is an address, too
        return bool(name) and (is_label or name.endswith((".internal", ".local")))


def _secret_url(secret: SecretStr) -> SecretStr:
    parts = _parts(secret.get_secret_value())
    if parts.scheme not in ("http", "https", "ws", "wss") or not parts.hostname:
        raise ValueError("must be a URL with a host")
    return secret


def _address(text: str) -> str:
    plain = text == text.lower()
    if not (is_hex_address(text) if plain else is_checksum_address(text)) or not text.startswith("0x"):
        raise ValueError("must be a 0x address: 40 hex digits, all lower case or with a valid EIP-55 checksum")
    return text


def account_of(key: SecretStr) -> str:
    """The address of a private key. Raises ValueError if it is not a private key.

    It does not use eth-account, because loading its unused curves takes every process half a second.
    """
    try:
        return PrivateKey(decode_hex(key.get_secret_value())).public_key.to_checksum_address()
    except (ValueError, ValidationError):
        raise ValueError("must be a 32-byte private key in hex") from None


def _key(secret: SecretStr) -> SecretStr:
    account_of(secret)
    return secret


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < 32:
        raise ValueError("must have at least 32 bytes")
    return secret


def _seed(secret: SecretStr) -> SecretStr:
    if not _ED25519_SEED.fullmatch(secret.get_secret_value()):
        raise ValueError("must be 32 bytes as 64 hex digits: openssl rand -hex 32")
    return secret


def _public_key(text: str) -> str:
    if not _ED25519_PUBLIC.fullmatch(text):
        raise ValueError("must be 32 bytes in base64url, 43 characters: the x of a key in /.well-known/jwks.json")
    return text


def _api_key_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if "PRIVATE KEY" in text:
        return secret
    try:
        pair = b64decode(text, validate=True)
    except ValueError:
        pair = b""
    if len(pair) != 64:  # seed and public key
        raise ValueError("must be a 64-byte Ed25519 key in Base64 or a private key in PEM")
    return secret


def _database(secret: SecretStr) -> SecretStr:
    parts = _parts(secret.get_secret_value())
    kind = parts.scheme.partition("+")[0]
    if kind not in ("sqlite", "postgresql", "postgres"):
        raise ValueError("must start with sqlite:// or postgresql://")
    if kind == "sqlite" and parts.path.strip("/") in ("", ":memory:"):
        raise ValueError(
            "must name a file, because a database in memory is neither shared nor kept; for example sqlite:///state/ledger.sqlite3"
        )
    return secret


def _redis(secret: SecretStr) -> SecretStr:
    if _parts(secret.get_secret_value()).scheme not in ("redis", "rediss"):
        raise ValueError("must start with redis:// or rediss://")
    return secret


def _network(text: str) -> str:
    ipaddress.ip_network(text)
    return text


def check_price(price: Decimal) -> Decimal:
    """Raises ValueError unless a price is positive and has at most 6 decimal places."""
    if not (price.is_finite() and price > 0 and price.scaleb(6) == price.scaleb(6).to_integral_value()):
        raise ValueError("must be a positive amount with at most 6 decimal places")
    return price


def _whole(text: Any) -> Any:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def _split(text: Any) -> Any:
    return tuple(filter(None, text.replace(",", " ").split())) if isinstance(text, str) else text


def _table(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


Url = Annotated[str, AfterValidator(_url)]
Contact = Annotated[str, AfterValidator(_contact)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Address = Annotated[str, AfterValidator(_address)]
PrivateKeyHex = Annotated[SecretStr, AfterValidator(_key)]
Ed25519Seed = Annotated[SecretStr, AfterValidator(_seed)]
Ed25519PublicKey = Annotated[str, AfterValidator(_public_key)]
ApiKeySecret = Annotated[SecretStr, AfterValidator(_api_key_secret)]
Secret32 = Annotated[SecretStr, AfterValidator(_long)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
CidrBlock = Annotated[str, AfterValidator(_network)]
Price = Annotated[Decimal, AfterValidator(check_price)]
Whole = BeforeValidator(_whole)
"""For choices among numbers: the environment gives text."""
CommaSeparated = BeforeValidator(_split)
"""For tuples: text is split at commas and blanks."""
JsonValue = BeforeValidator(_table)
"""For tables: text is JSON."""
