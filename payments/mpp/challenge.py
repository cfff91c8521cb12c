"""Issues challenges, byte for byte as the SDK's `Challenge.create` and `to_www_authenticate` do for the same values.

The SDK encodes the charge three times for each challenge, a fifth of the CPU time of a quote. The charge is the same in
all quotes for one resource at one price, so here it is encoded once and cached.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from mpp._canonical import canonical_b64url
from mpp._parsing import _escape_quoted
from mpp.server.http import Request

from payments.mpp.pull import INTENT, METHOD, REMEMBERED, charge_request


@dataclass(frozen=True, slots=True)
class Issued:
    """A challenge: its id and the value of its `WWW-Authenticate` field."""

    id: str
    field: str


@lru_cache(REMEMBERED)
def scope_of(method: str, url: str) -> Mapping[str, str]:
    """The scope of a challenge, as in the SDK: method, path and the order's part of the query."""
    return Request(method, url).scope()


@lru_cache(REMEMBERED)
def asked(*, amount: str, currency: str, recipient: str, chain_id: int, method: str, url: str) -> str:
    """The encoded charge of a challenge; `amount` in dollars, `method` and `url` of the request."""
    charge = charge_request(amount=amount, currency=currency, recipient=recipient, chain_id=chain_id)
    return canonical_b64url({**charge, "_mppx_scope": scope_of(method, url)})


def issue(
    request: str, *, secret: str, realm: str, expires: str, digest: str | None, meta: Mapping[str, str]
) -> Issued:
    """A challenge for `request` (see `asked`).

    Args:
        expires: ISO 8601.
        digest: of the body to which it is bound.
        meta: metadata, authenticated by the id.
    """
    opaque = canonical_b64url(meta)
    bound = "|".join((realm, METHOD, INTENT, request, expires, digest or "", opaque))
    mac = hmac.digest(secret.encode(), bound.encode(), "sha256")
    named = {
        "id": urlsafe_b64encode(mac).rstrip(b"=").decode(),
        "realm": _escape_quoted(realm),
        "method": METHOD,
        "intent": INTENT,
        "request": request,
        **({"digest": digest} if digest else {}),
        "expires": expires,
        "opaque": opaque,
    }
    return Issued(named["id"], "Payment " + ", ".join(f'{name}="{value}"' for name, value in named.items()))
