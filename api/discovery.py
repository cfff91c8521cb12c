"""The documents for buyers: pages, models, OpenAPI description, llms.txt, and the documents of each rail.

Each host has its own documents, because a host may offer only some of the rails.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from starlette.routing import BaseRoute

from api.agent_skill import agent_skill
from api.documents import Document, documents_by_host
from api.guides.pages import Rules, guide_path, guides
from api.openapi import openapi, prices
from api.options import FORMATS
from api.pricing import MODELS_PATH, PriceList
from api.receipts import KEYS_PATH
from api.remove_bg.account import ACCOUNT_PATH, account
from api.security_txt import SECURITY_TXT, security_txt
from api.templates import PAGES, render
from api.try_out.page import try_out
from api.try_out.wallet import SandboxWallet


def discovery_routes(offer: PriceList, rules: Rules, wallet: SandboxWallet | None = None) -> list[BaseRoute]:
    """All documents about one offer; they do not change while the service runs. `wallet` is the sandbox's."""
    by_host = {host: _documents(offer.at(host), rules, wallet) for host in (None, *offer.hosts)}
    paths = sorted({path for documents in by_host.values() for path in documents})
    return [
        documents_by_host(path, {host: documents.get(path) for host, documents in by_host.items()}) for path in paths
    ]


@lru_cache(maxsize=32)
def _documents(offer: PriceList, rules: Rules, wallet: SandboxWallet | None) -> Mapping[str, Document]:
    """The documents of one host by path. Applications in one process with the same offer share them."""
    values: dict[str, Any] = {
        "offer": offer,
        "prices": prices(offer),
        "limits": rules.uploads,
        "formats": list(FORMATS),
        "rail_lines": [render("llms.txt", rail.info.pages, rail=rail).rstrip() for rail in offer.rails],
        "guides": {
            language: {rail.name: guide_path(rail.name, language) for rail in offer.rails} for language in ("en", "de")
        },
    }
    icon = Document((PAGES / "favicon.svg").read_bytes(), "image/svg+xml")
    of_rails = [rail.info.documents(_resources(offer)) for rail in offer.rails]
    return {
        **{path: _json(content) for each in of_rails for path, content in each.items()},
        **({SECURITY_TXT: _text(security_txt(offer.contact, offer.public_url))} if offer.contact else {}),
        **({KEYS_PATH: _json(offer.key_set)} if offer.key_set else {}),
        "/openapi.json": _json(openapi(offer)),
        MODELS_PATH: _json(models(offer)),
        ACCOUNT_PATH: _json(account(offer)),
        "/": Document(render("index.html", **values), "text/html"),
        **guides(offer, rules),
        **agent_skill(offer.public_url, values),
        **try_out(offer, rules.uploads, wallet),
        "/llms.txt": _text(render("llms.txt", **values)),
        "/robots.txt": _text(render("robots.txt")),
        "/favicon.svg": icon,
        # Browsers and directories request this name by default; the page itself names the SVG.
        "/favicon.ico": icon,
    }


def models(offer: PriceList) -> dict[str, Any]:
    """`GET /v1/models`: the values of `?model=`, the default first."""
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


def _resources(offer: PriceList) -> list[str]:
    """The paid URLs, one for each price."""
    return [offer.url(), *(offer.url([("model", name)]) for name in offer.names[1:])]


def _json(content: Mapping[str, Any]) -> Document:
    return Document(json.dumps(content, ensure_ascii=False, separators=(",", ":")), "application/json")


def _text(content: str) -> Document:
    return Document(content, "text/plain")
