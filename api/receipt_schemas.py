"""Signed receipts in OpenAPI."""

from typing import Any

from api.openapi_answers import document, not_found
from api.receipts import KEYS_PATH, RECEIPT_PATH

Json = dict[str, Any]

_SHA256: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_MEMBERS: Json = {
    "iss": {"type": "string", "description": "Origin of the service that signed."},
    "jti": {"type": "string", "description": "The receipt's id."},
    "settled_at": {"type": "integer", "description": "Unix seconds of the settlement."},
    "rail": {"type": "string", "description": "Name of the payment rail."},
    "network": {"type": "string", "description": "The chain, CAIP-2."},
    "transaction": {"type": "string", "description": "Hash of the transaction that paid."},
    "payer": {"type": "string", "description": "Address of the payer."},
    "amount": {"type": "string", "description": "Amount in base units of the currency."},
    "currency": {"type": "string", "description": "Contract address of the token."},
    "input_sha256": {**_SHA256, "description": "Digest of the request's image."},
    "output_sha256": {**_SHA256, "description": "Digest of the file that was delivered first."},
    "model": {"type": "string", "description": "The model of the result."},
    "model_sha256": {**_SHA256, "description": "Digest of the model's weights."},
}
_KEY: Json = {
    "type": "object",
    "required": ["kty", "crv", "x", "kid"],
    "properties": {
        "kty": {"const": "OKP"},
        "crv": {"const": "Ed25519"},
        "x": {"type": "string", "description": "The public key, 32 bytes in base64url."},
        "kid": {"type": "string", "description": "Its thumbprint (RFC 7638)."},
        "alg": {"const": "EdDSA"},
        "use": {"const": "sig"},
    },
}
SCHEMAS: Json = {
    "Receipt": {
        "type": "object",
        "required": ["receipt", "jws"],
        "properties": {
            "receipt": {"type": "object", "required": list(_MEMBERS), "properties": _MEMBERS},
            "jws": {"type": "string", "description": "The same members, signed: a JSON Web Signature in compact form."},
        },
    },
    "KeySet": {
        "type": "object",
        "description": "A JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037); it also lists former keys.",
        "required": ["keys"],
        "properties": {"keys": {"type": "array", "items": _KEY}},
    },
}


PATHS: Json = {
    RECEIPT_PATH: {
        "get": {
            "operationId": "getReceipt",
            "summary": "The signed receipt of a purchase, by its id",
            "parameters": [
                {
                    "name": "id",
                    "in": "path",
                    "required": True,
                    "description": "The value of X-Receipt-Id in the paid response.",
                    "schema": {"type": "string"},
                    "example": "Hxq0m1bI1pYqV8w7c0yVJw",
                }
            ],
            "security": [],
            "responses": {**document("The receipt.", "Receipt"), **not_found()},
        }
    },
    KEYS_PATH: {
        "get": {
            "operationId": "listReceiptKeys",
            "summary": "The public keys that verify receipts",
            "security": [],
            "responses": document("The keys, the current one first.", "KeySet"),
        }
    },
}
