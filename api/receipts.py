"""`GET /v1/receipts/{id}`: the signed receipt of a purchase, by its id."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import NotFound
from payments import Gate

RECEIPT_PATH = "/v1/receipts/{id}"
KEYS_PATH = "/.well-known/jwks.json"
_ID = re.compile("[A-Za-z0-9_-]{22}")


def receipt_route(gate: Gate) -> Route:
    """Answers with the signed members and the JSON Web Signature over them."""

    async def endpoint(request: Request) -> Response:
        receipt_id = request.path_params["id"]
        found = await gate.receipt(receipt_id) if _ID.fullmatch(receipt_id) else None
        if found is None:
            raise NotFound("No receipt has this id. Use the X-Receipt-Id of a paid response.")
        headers = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}
        return JSONResponse({"receipt": found.claims, "jws": found.token}, headers=headers)

    return Route(RECEIPT_PATH, endpoint)
