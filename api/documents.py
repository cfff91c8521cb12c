"""Answers that never change while the service runs: cached, with an entity tag (RFC 9110 §8.8.3, §13.1.2)."""

import hashlib

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_CACHED = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}


def document(path: str, body: str | bytes, media_type: str) -> Route:
    """A route that answers GET and HEAD with the body, or with 304 when the client has it already."""
    content = body.encode() if isinstance(body, str) else body
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_CACHED, "ETag": tag}

    async def endpoint(request: Request) -> Response:
        if _has(request.headers, tag):
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=media_type, headers=headers)

    return Route(path, endpoint)


def _has(headers: Headers, tag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or not, or any."""
    named = (each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(","))
    return any(each in (tag, "*") for each in named)
