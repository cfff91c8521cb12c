"""The key that signs receipts, and its publication (RFC 7517, RFC 8037)."""

import hashlib
import json
from collections.abc import Sequence

from payments.jws import Json, base64url


class ReceiptKey:
    """An Ed25519 key.

    Args:
        seed: its 32 bytes, in hex.

    Attributes:
        id: see `key_id`.
        public: its public key, 32 bytes in base64url.
    """

    def __init__(self, seed: str) -> None:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # a runner signs nothing

        self._key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
        self.public = base64url(self._key.public_key().public_bytes_raw())
        self.id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes, deterministic."""
        return self._key.sign(message)


def key_id(public: str) -> str:
    """The id of a public key: its thumbprint (RFC 7638)."""
    needed = {"crv": "Ed25519", "kty": "OKP", "x": public}
    return base64url(hashlib.sha256(json.dumps(needed, separators=(",", ":"), sort_keys=True).encode()).digest())


def key_set(public: Sequence[str]) -> Json:
    """The JSON Web Key Set of these public keys, without duplicates."""
    return {
        "keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": each, "kid": key_id(each), "use": "sig", "alg": "EdDSA"}
            for each in dict.fromkeys(public)
        ]
    }
