"""The page `/try` and its modules, for the rails of one host."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from api.config import UploadLimits
from api.documents import Document
from api.guides.pages import guide_path
from api.pricing import PATH, OfferedRail, PriceList
from api.templates import render
from api.try_out.wallet import SandboxWallet

TRY_PATH = "/try"
WALLET_PATH = f"{TRY_PATH}/sandbox_wallet.js"
STATIC = Path(__file__).parent / "static"


def try_out(offer: PriceList, limits: UploadLimits, wallet: SandboxWallet | None = None) -> dict[str, Document]:
    """The page and its modules by path, for one host's offer.

    Raises:
        ValueError: a test wallet on a public network.
    """
    if wallet is not None and any(rail.money != "sandbox" for rail in offer.rails):
        raise ValueError("The test wallet's key is public: it must not be offered outside the sandbox.")
    page = render(
        "try.html",
        offer=offer,
        limits=limits,
        guides={rail.name: guide_path(rail.name, "en") for rail in offer.rails},
        wallet=wallet,
        terms=_terms(offer, limits, wallet),
    )
    files = [*STATIC.glob("*.js"), *(STATIC / "rails" / f"{rail.name}.js" for rail in _payable(offer))]
    scripts = {f"{TRY_PATH}/{file.relative_to(STATIC)}": _script(file.read_bytes()) for file in files}
    return {
        TRY_PATH: Document(page, "text/html", _policy(wallet)),
        **scripts,
        **({WALLET_PATH: _script(wallet.script)} if wallet else {}),
    }


def _payable(offer: PriceList) -> list[OfferedRail]:
    """The rails that a browser can pay: those with a module."""
    return [rail for rail in offer.rails if (STATIC / "rails" / f"{rail.name}.js").exists()]


def _policy(wallet: SandboxWallet | None) -> Mapping[str, str]:
    """The Content-Security-Policy of a purchase: our modules, API and pictures, and the test wallet's nodes."""
    nodes = [urlsplit(url) for url in wallet.rpc_urls.values()] if wallet else []
    return {
        "script-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": " ".join(["'self'", *(f"{node.scheme}://{node.netloc}" for node in nodes)]),
    }


def _terms(offer: PriceList, limits: UploadLimits, wallet: SandboxWallet | None) -> Markup:
    """The offer's values for the modules: `Terms` in types.ts."""
    terms: dict[str, Any] = {
        "endpoint": PATH,
        "maxBytes": limits.max_bytes,
        "rails": [_rail(rail) for rail in _payable(offer)],
        "testWallet": None,
    }
    if wallet is not None:
        terms["testWallet"] = {
            "address": wallet.address,
            "key": wallet.key,
            "rpcUrls": dict(wallet.rpc_urls),
            "script": WALLET_PATH,
        }
    # A data block ends at the first `</script`, even within a string.
    return Markup(json.dumps(terms).replace("<", "\\u003c"))  # noqa: S704 # JSON in a data block is no HTML


def _rail(rail: OfferedRail) -> dict[str, Any]:
    return {
        "name": rail.name,
        "module": f"{TRY_PATH}/rails/{rail.name}.js",
        "title": rail.info.label,
        "network": rail.network,
        "place": rail.place,
        "chain_id": rail.chain_id,
        "tokens": [asdict(token) for token in rail.tokens],
        "money": rail.money,
        "explorer": rail.explorer,
    }


def _script(content: bytes) -> Document:
    return Document(content, "text/javascript")
