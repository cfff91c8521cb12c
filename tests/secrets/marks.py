"""Secrets that can be found again, in whatever spelling they come out."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

SETTLEMENT_KEY = "0x" + "5ec4e7" * 10 + "5ec4"
RPC_PATH = "marked-rpc-path+of=the=node"
FALLBACK_QUERY = "marked+fallback=query.key"
TEMPO_PATH = "MarkedTempoPathOfTheNode"
TEMPO_QUERY = "marked/tempo=query-key"
RPC_USER = "marked-user-of-the-node"
RPC_PASSWORD = "marked:p@ssword/of the node"
MPP_SECRET = 'marked "mpp" secret, of 32 bytes / more'
PREVIOUS_SECRET = "marked+previous+mpp+secret=of=32=bytes"
RECEIPT_KEY = "5ec4e8" * 10 + "5ec4"
DATABASE_PASSWORD = "marked:d@tabase/password"
REDIS_PASSWORD = "marked:redis/p@ssword"
FACILITATOR_PATH = "marked-facilitator-path-key"
FACILITATOR_PASSWORD = "marked:facilitator/p@ssword"

SECRETS = (
    SETTLEMENT_KEY,
    RPC_PATH,
    FALLBACK_QUERY,
    TEMPO_PATH,
    TEMPO_QUERY,
    RPC_USER,
    RPC_PASSWORD,
    MPP_SECRET,
    PREVIOUS_SECRET,
    RECEIPT_KEY,
    DATABASE_PASSWORD,
    REDIS_PASSWORD,
    FACILITATOR_PATH,
    FACILITATOR_PASSWORD,
)


def userinfo(user: str, password: str) -> str:
    """The part of a URL before the host, escaped."""
    return f"{quote(user, safe='')}:{quote(password, safe='')}@"


def found(text: str, secrets: Iterable[str] = SECRETS) -> list[str]:
    """Those secrets that stand in the text, in any spelling and in any case."""
    lower = text.lower()
    return [secret for secret in secrets if any(spelling.lower() in lower for spelling in set(spellings(secret)))]


def spellings(secret: str) -> Iterator[str]:
    """As it is, escaped for URLs, JSON, Python and HTTP, and in Base64 of any text that holds it.

    Of a key also the halves, its bytes and its number.
    """
    for plain in {secret, secret.removeprefix("0x")}:
        yield from (plain, quote(plain), quote(plain, safe=""), quote_plus(plain), repr(plain)[1:-1])
        yield from (json.dumps(plain)[1:-1], json.dumps(json.dumps(plain)[1:-1])[1:-1])
        yield from _in_base64(plain.encode())
    if re.fullmatch("0x[0-9a-f]{64}", secret):
        key = bytes.fromhex(secret[2:])
        yield from (secret[2:34], secret[34:], str(int(secret, 16)), repr(key)[2:-1])
        yield from _in_base64(key)


def _in_base64(plain: bytes) -> Iterator[str]:
    """What stays the same wherever the bytes begin; in both alphabets."""
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + plain).decode().rstrip("=")
        whole = text[-(-offset * 8 // 6) : len(plain + bytes(offset)) // 3 * 4]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))
