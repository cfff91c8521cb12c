"""Stands before a facilitator and lets only those calls in that bear our credentials, as hosted services do."""

import json
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC
from Crypto.Signature import DSS, eddsa
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_TOKEN_S = 120


@dataclass
class Keyed:
    """An ASGI application before `app`.

    Args:
        token: the one bearer token that is let in; or
        key_id, key: the key whose JSON Web Tokens are let in, each for its own method, host and path and once only;
        host: of this service, if it is not the one that is called.

    Attributes:
        refused: why calls were not let in.
    """

    app: ASGIApp
    token: str | None = None
    key_id: str = ""
    key: ECC.EccKey | None = None
    host: str | None = None
    refused: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        fault = self._fault(request)
        if fault is None:
            await self.app(scope, receive, send)
            return
        self.refused.append(fault)
        await JSONResponse({"errorType": "unauthorized", "errorMessage": fault}, 401)(scope, receive, send)

    def _fault(self, request: Request) -> str | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer":
            return "no bearer token"
        if self.token is not None:
            return None if token == self.token else "another token"
        return self._fault_of_jwt(token, f"{request.method} {self.host or request.headers['host']}{request.url.path}")

    def _fault_of_jwt(self, token: str, call: str) -> str | None:
        head, claims, signature = (_decoded(part) for part in token.split("."))
        said, claimed = json.loads(head), json.loads(claims)
        if not self._is_signed(said["alg"], token.rpartition(".")[0].encode(), signature):
            return "the signature is not the key's"
        if said["kid"] != self.key_id or claimed["sub"] != self.key_id or claimed["iss"] != "cdp":
            return "another key's id"
        if claimed["uris"] != [call] or claimed["uri"] != call:
            return f"for {claimed['uris']}, not for {call}"
        if not claimed["nbf"] <= time.time() < claimed["exp"] <= claimed["nbf"] + MAX_TOKEN_S:
            return "out of its time"
        if said["nonce"] in self._seen:
            return "used before"
        self._seen.add(said["nonce"])
        return None

    def _is_signed(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        assert self.key is not None
        try:
            if self.key.curve == "Ed25519":
                assert algorithm == "EdDSA"
                eddsa.new(self.key, "rfc8032").verify(message, signature)
            else:
                assert algorithm == "ES256"
                DSS.new(self.key, "fips-186-3").verify(SHA256.new(message), signature)
        except ValueError:
            return False
        return True


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
