"""What strangers read before they buy: landing page, models, OpenAPI description, llms.txt and the x402 listing."""

import html
import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from starlette.routing import BaseRoute, Route

from api.documents import document
from api.offer import MODELS_PATH, Offer
from api.openapi import openapi, prices
from api.upload import UploadLimits

_PAGES = Path(__file__).parent / "pages"


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
        _json("/openapi.json", openapi(offer)),
        _json(MODELS_PATH, models(offer)),
        # Listed by x402 directories that know no OpenAPI: version and the paid URLs.
        _json("/.well-known/x402", {"version": 1, "resources": _resources(offer)}),
        _page("/", "index.html", "text/html", words),
        _page("/llms.txt", "llms.txt", "text/plain", words),
        _page("/robots.txt", "robots.txt", "text/plain", words),
        _page("/favicon.svg", "favicon.svg", "image/svg+xml", words),
        # Browsers and directories ask for this name unasked; the page itself names the SVG.
        _page("/favicon.ico", "favicon.svg", "image/svg+xml", words),
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


def _page(path: str, name: str, media_type: str, words: Mapping[str, str]) -> Route:
    return document(path, Template((_PAGES / name).read_text(encoding="utf-8")).substitute(words), media_type)


def _json(path: str, content: Mapping[str, Any]) -> Route:
    return document(path, json.dumps(content, ensure_ascii=False, separators=(",", ":")), "application/json")
