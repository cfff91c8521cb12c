"""Responses that do not change while the service runs: cached, with an entity tag (RFC 9110 §8.8.3, §13.1.2)."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errors import NotFound

_CACHED = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
_STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True)
class Document:
    """One body with its media type.

    Attributes:
        allows: sources of a page's Content-Security-Policy besides its own style and icon, by directive.
    """

    body: str | bytes
    media_type: str
    allows: Mapping[str, str] = field(default_factory=dict)

    def answer(self, request: Request) -> Response:
        """The body, or 304 if the client already has it."""
        if _has(request.headers, self._headers["ETag"]):
            return Response(status_code=304, headers=self._headers)
        return Response(self._content, media_type=self.media_type, headers=self._headers)

    @cached_property
    def _content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        is_page = self.media_type == "text/html"
        policy = {"Content-Security-Policy": _policy(self._content.decode(), self.allows)} if is_page else {}
        return {**_CACHED, **policy, "ETag": f'"{hashlib.sha256(self._content).hexdigest()[:32]}"'}


def document(path: str, body: str | bytes, media_type: str) -> Route:
    """A route that answers GET and HEAD with the body, or with 304 if the client already has it."""
    return documents_by_host(path, {None: Document(body, media_type)})


def documents_by_host(path: str, by_host: Mapping[str | None, Document | None]) -> Route:
    """The same with a document for each host. The key None is every other host; the value None means no document."""

    async def endpoint(request: Request) -> Response:
        host = request.url.hostname
        found = by_host[host if host in by_host else None]
        if found is None:
            raise NotFound("This host has no such document. The API is described at /openapi.json.")
        return found.answer(request)

    return Route(path, endpoint)


def _policy(page: str, allows: Mapping[str, str]) -> str:
    """A Content-Security-Policy that allows only the page's own style, the icon, and the named sources."""
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in _STYLE.findall(page))
    directives = {
        "default-src": "'none'",
        "style-src": " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        **allows,
    }
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def _has(headers: Headers, tag: str) -> bool:
    """Whether `If-None-Match` names the tag, weak or not, or any."""
    named = (each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(","))
    return any(each in (tag, "*") for each in named)
