"""What strangers read before they buy: the landing page, the OpenAPI description, llms.txt and the x402 listing."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.offer import Offer
from api.openapi import openapi
from api.upload import UploadLimits

_PAGES = Path(__file__).parent / "pages"
_CACHED = {"Cache-Control": "public, max-age=300"}


def discovery_routes(offer: Offer, limits: UploadLimits) -> list[BaseRoute]:
    """All documents about one offer; they never change while the service runs."""
    words = {
        "price": f"${offer.price}",
        "url": offer.url,
        "origin": offer.public_url,
        "megabytes": f"{limits.max_bytes / 1e6:g}",
        "side": f"{limits.max_side:,}",
    }
    return [
        _document("/openapi.json", JSONResponse(openapi(offer), headers=_CACHED)),
        # Listed by x402 directories that know no OpenAPI: version and the paid URLs.
        _document("/.well-known/x402", JSONResponse({"version": 1, "resources": [offer.url]}, headers=_CACHED)),
        _document("/", _page("index.html", "text/html", words)),
        _document("/llms.txt", _page("llms.txt", "text/plain", words)),
        _document("/favicon.svg", _page("favicon.svg", "image/svg+xml", words)),
        # Browsers and directories ask for this name unasked; the page itself names the SVG.
        _document("/favicon.ico", _page("favicon.svg", "image/svg+xml", words)),
    ]


def _page(name: str, media_type: str, words: Mapping[str, str]) -> Response:
    text = Template((_PAGES / name).read_text(encoding="utf-8")).substitute(words)
    return Response(text, media_type=media_type, headers=_CACHED)


def _document(path: str, response: Response) -> Route:
    async def endpoint(_: Request) -> Response:
        return response

    return Route(path, endpoint)
