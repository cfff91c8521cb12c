"""Our credentials for a facilitator service, as the SDK's `AuthProvider`: a fixed bearer token, or a CDP API key.

A CDP key signs a JSON Web Token (RFC 7519) for each call, which is valid for one method and URL only.
"""

import secrets
import time
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import urlsplit

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS, eddsa
from x402.http.facilitator_client_base import AuthHeaders

from payments.jws import compact
from payments.x402.config import X402Config

TOKEN_S = 120
"""Validity of a token."""
_CALLS = {"verify": "POST", "settle": "POST", "supported": "GET"}
_ED25519_BYTES = 64  # the seed, then the public key
_SEED_BYTES = 32
_NO_KEY = "the x402 facilitator key secret is neither the Base64 of an Ed25519 key nor an EC P-256 key in PEM"


class BearerToken:
    """The same `Authorization: Bearer …` with each call."""

    def __init__(self, token: str) -> None:
        self._headers = {"Authorization": f"Bearer {token}"}

    def get_auth_headers(self) -> AuthHeaders:
        return AuthHeaders(verify=self._headers, settle=self._headers, supported=self._headers)


class CdpKey:
    """A key of the Coinbase Developer Platform: Ed25519 (token of kind EdDSA) or P-256 (ES256).

    Args:
        key_id, key_secret: as shown by the platform; the secret is 64 bytes in Base64, or a PEM whose line ends may be
            written as backslash and n.
        url: the facilitator's.

    Raises:
        ValueError: the secret is not such a key; the message does not quote it.
    """

    def __init__(self, key_id: str, key_secret: str, *, url: str) -> None:
        self._key_id = key_id
        self._algorithm, self._sign = signer_of(key_secret)
        parts = urlsplit(url)
        self._place = parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")

    def get_auth_headers(self) -> AuthHeaders:
        return AuthHeaders(**{verb: {"Authorization": f"Bearer {self._token(verb)}"} for verb in _CALLS})

    def _token(self, verb: str) -> str:
        now = int(time.time())
        call = f"{_CALLS[verb]} {self._place}/{verb}"
        head = {"alg": self._algorithm, "kid": self._key_id, "typ": "JWT", "nonce": secrets.token_hex(16)}
        claims = {"iss": "cdp", "sub": self._key_id, "nbf": now, "exp": now + TOKEN_S, "uri": call, "uris": [call]}
        return compact(head, claims, self._sign)


def credentials(config: X402Config) -> BearerToken | CdpKey | None:
    """The credentials in the settings, if any; raises as `CdpKey`."""
    if config.facilitator_token:
        return BearerToken(config.facilitator_token.get_secret_value())
    if config.facilitator_key_id and config.facilitator_key_secret and config.facilitator_url:
        secret = config.facilitator_key_secret.get_secret_value()
        return CdpKey(config.facilitator_key_id, secret, url=config.facilitator_url)
    return None


def signer_of(key_secret: str) -> tuple[str, Callable[[bytes], bytes]]:
    """The JWS algorithm (RFC 7518, RFC 8037) of a key, and its signing function; raises as `CdpKey`."""
    try:
        if "PRIVATE KEY" in key_secret:
            return "ES256", _es256(ECC.import_key(key_secret.replace("\\n", "\n")))
        return "EdDSA", _ed25519(b64decode(key_secret, validate=True))
    except (ValueError, IndexError, TypeError):
        raise ValueError(_NO_KEY) from None


def _es256(key: ECC.EccKey) -> Callable[[bytes], bytes]:
    if key.curve != "NIST P-256" or not key.has_private():
        raise ValueError(_NO_KEY)
    return lambda message: DSS.new(key, "fips-186-3").sign(SHA256.new(message))


def _ed25519(pair: bytes) -> Callable[[bytes], bytes]:
    key = eddsa.import_private_key(pair[:_SEED_BYTES])
    public = key.public_key().export_key(format="raw")
    if len(pair) != _ED25519_BYTES or public != pair[_SEED_BYTES:]:
        raise ValueError(_NO_KEY)
    return lambda message: eddsa.new(key, "rfc8032").sign(message)
