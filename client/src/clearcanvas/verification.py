"""Checks a service's signed receipts offline, with its public keys and the files."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jwt

from clearcanvas.errors import InvalidSetting, ReceiptInvalid

ALGORITHM = "EdDSA"
_TYPE = "receipt+jwt"
_FILES = {"input_sha256": "picture", "output_sha256": "result"}


def verify(receipt: str, keys: str, *, picture: bytes | None = None, result: bytes | None = None) -> dict[str, Any]:
    """Check a receipt's signature, and the digests of the given files. Returns its claims.

    Args:
        receipt: the JSON Web Signature, a receipt file of this client, or an answer of `/v1/receipts/`.
        keys: the service's JSON Web Key Set (`/.well-known/jwks.json`), or the `x` of one key.

    Raises:
        ReceiptInvalid: it is not signed by these keys, or names other files.
        InvalidSetting: `keys` has neither form.
    """
    written = _members(receipt)
    claims = _signed(_token(written, receipt), _key_set(keys))
    digests = {"input_sha256": written.get("source_sha256"), "output_sha256": written.get("result_sha256")}
    for name, content in (("input_sha256", picture), ("output_sha256", result)):
        if content is not None:
            digests[name] = hashlib.sha256(content).hexdigest()
    for name, digest in digests.items():
        if digest is not None and claims.get(name) != digest:
            raise ReceiptInvalid(f"The receipt names another {_FILES[name]}: its digest is {claims.get(name)}.")
    return claims


def beside(receipt: Path, suffix: str) -> Path | None:
    """The result file of a receipt file; None if there is none."""
    result = receipt.with_name(receipt.name.removesuffix(suffix))
    return result if result != receipt and result.exists() else None


def _members(text: str) -> dict[str, Any]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _token(written: dict[str, Any], text: str) -> str:
    token = written.get("signed_receipt", written.get("jws")) if written else text.strip()
    if not token:
        raise ReceiptInvalid("The service signed no receipt for this purchase; the file holds only the rail's receipt.")
    return str(token)


def _key_set(keys: str) -> dict[str, jwt.PyJWK]:
    listed = _members(keys) or {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": keys.strip()}]}
    try:
        return {each.key_id or "": each for each in jwt.PyJWKSet.from_dict(listed).keys}
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise InvalidSetting("The key must be a JSON Web Key Set, or the x of one of its Ed25519 keys.") from None


def _signed(token: str, keys: dict[str, jwt.PyJWK]) -> dict[str, Any]:
    try:
        head = jwt.get_unverified_header(token)
        key = keys.get(head.get("kid", ""), keys.get(""))
        if key is None:
            raise ReceiptInvalid("The receipt is signed with another key. Pass the keys of the service that issued it.")
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[ALGORITHM])
    except jwt.PyJWTError as error:
        raise ReceiptInvalid(f"The receipt is not signed by this key: {error}.") from None
    if head.get("typ") != _TYPE:
        raise ReceiptInvalid(f"The token's type must be {_TYPE}; it is {head.get('typ')}.")
    return claims
