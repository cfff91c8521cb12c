"""What strangers read before they buy: landing page, models, OpenAPI description, llms.txt and the x402 listing."""

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.offer import MODELS_PATH, Offer
from api.openapi import openapi, prices
from api.upload import UploadLimits

_PAGES = Path(__file__).parent / "pages"
_CACHED = {"Cache-Control": "public, max-age=300"}


def discovery_routes(offer: Offer, limits: UploadLimits) -> list[BaseRoute]:
    """All documents about one offer; they never change while the service runs."""
    words = {
        "price": f"${offer.default.price}",
        "url": offer.url(),
        "models": html.escape(prices(offer)),
        "origin": offer.public_url,
        "megabytes": f"{limits.max_bytes / 1e6:g}",
        "side": f"{limits.max_side:,}",
    }
    return [
        _document("/openapi.json", JSONResponse(openapi(offer), headers=_CACHED)),
        _document(MODELS_PATH, JSONResponse(models(offer), headers=_CACHED)),
        # Listed by x402 directories that know no OpenAPI: version and the paid URLs.
        _document("/.well-known/x402", JSONResponse({"version": 1, "resources": _resources(offer)}, headers=_CACHED)),
        _document("/", _page("index.html", "text/html", words)),
        _document("/llms.txt", _page("llms.txt", "text/plain", words)),
        _document("/favicon.svg", _page("favicon.svg", "image/svg+xml", words)),
        # Browsers and directories ask for this name unasked; the page itself names the SVG.
        _document("/favicon.ico", _page("favicon.svg", "image/svg+xml", words)),
    ]


def models(offer: Offer) -> dict[str, Any]:
    """`GET /v1/models`: what can be chosen by `?model=`, the default first."""
    return {
        "models": [
            {
                "name": each.name,
                "label": each.label,
                "default": each is offer.default,
                "size": each.size,
                "licence": each.licence,
                "price": {"currency": "USD", "amount": str(each.price)},
                "url": offer.url([("model", each.name)]),
            }
            for each in offer.models
        ]
    }


def _resources(offer: Offer) -> list[str]:
    """The paid URLs, each with a price of its own."""
    return [offer.url(), *(offer.url([("model", name)]) for name in offer.names[1:])]


def _page(name: str, media_type: str, words: Mapping[str, str]) -> Response:
    text = Template((_PAGES / name).read_text(encoding="utf-8")).substitute(words)
    return Response(text, media_type=media_type, headers=_CACHED)


def _document(path: str, response: Response) -> Route:
    async def endpoint(_: Request) -> Response:
        return response

    return Route(path, endpoint)
