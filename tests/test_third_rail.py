"""A rail is a folder and a line; and a rail that is switched off is advertised nowhere."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

import storage
from composition import compose
from config import ConfigurationError, load
from config.loading import names, variable
from config.settings import settings_with
from models.manifest import ModelManifest
from payments.rails import RAILS
from runners.client import RunnerClient
from tests.buying import ROUTE, photograph
from tests.fakes import third_rail
from tests.fakes.runners import ScriptedRunner
from tests.fakes.third_rail import COIN, ThirdConfig

TABLE = (*RAILS, third_rail.RAIL)
ORIGIN = {"Origin": "https://shop.example"}
WORDS = {
    "x402": r"x402|PAYMENT-(REQUIRED|RESPONSE|SIGNATURE)|USDC(?!\.e)|Base Sepolia|EIP-?3009",
    "mpp": r"\bmpp\b|mppx|pympp|\bTempo\b|pathUSD|AlphaUSD|Payment-Receipt",
    "third": r"third",
}
SETTINGS = {"CLEARCANVAS_THIRD__PAYEE": COIN, "CLEARCANVAS_CONTACT": "mailto:security@example.com"}


@asynccontextmanager
async def opened(folder: Path, *enabled: str) -> AsyncIterator[tuple[Starlette, httpx.AsyncClient]]:
    """The service with these rails enabled; only the model is a fake."""
    database = f"sqlite:///{folder}/ledger.sqlite3"
    await storage.migrate(database)
    switches = {variable(f"{rail.name}.enabled"): str(rail.name in enabled) for rail in TABLE}
    settings = load(SETTINGS | switches | {"CLEARCANVAS_DATABASE_URL": database}, rails=TABLE)
    manifest = ModelManifest.load(settings.runner.model)
    client = RunnerClient(ScriptedRunner(), model=manifest.name, size=manifest.input.size, timeout_s=10)
    await client.poll()
    async with (
        compose(settings, [(manifest, client)]) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:3000") as buyer,
    ):
        yield app, buyer


def paths(routes: Any) -> Iterator[str]:
    """Every path without parameters that answers GET."""
    for route in routes:
        if isinstance(route, Mount):
            yield from paths(route.routes)
        elif isinstance(route, Route) and "GET" in (route.methods or ()) and "{" not in route.path:
            yield route.path


async def public_texts(app: Starlette, buyer: httpx.AsyncClient) -> dict[str, str]:
    """Every document and module with its header fields as a web page sees them, and the quote."""
    found = {}
    for path in paths(app.routes):
        if path not in ("/metrics", "/readyz"):
            answer = await buyer.get(path, headers=ORIGIN)
            found[path] = f"{answer.headers}\n{answer.text}"
    quote = await buyer.post(ROUTE, headers=ORIGIN)
    assert quote.status_code in (402, 503)  # the chains of the real rails are out, which is another refusal
    return found | {"402": f"{quote.headers}\n{quote.text}", "paths": " ".join(found)}


@pytest.mark.parametrize("off", ["x402", "mpp", "third"])
async def test_a_rail_that_is_switched_off_is_advertised_nowhere(tmp_path: Path, off: str) -> None:
    on = [rail.name for rail in TABLE if rail.name != off]
    async with opened(tmp_path, *on) as (app, buyer):
        texts = await public_texts(app, buyer)
    assert {"/", "/openapi.json", "/llms.txt", "/.well-known/security.txt", f"/guides/{on[0]}"} <= texts.keys()
    for path, text in texts.items():
        word = re.search(WORDS[off], text, re.IGNORECASE)
        assert word is None, f"{path}: {text[max(0, word.start() - 60) : word.end() + 60]}"
    for name in on:
        for path in ("/", "/openapi.json", "/llms.txt", f"/guides/{name}", f"/de/guides/{name}"):
            assert re.search(WORDS[name], texts[path], re.IGNORECASE), (name, path)


async def test_the_third_rail_is_documented_and_sells(tmp_path: Path) -> None:
    async with opened(tmp_path, "third") as (_, buyer):
        openapi = (await buyer.get("/openapi.json")).json()
        operation = openapi["paths"]["/v1/remove-background"]["post"]
        assert operation["x-payment-info"]["protocols"] == [{"third": {"coins": [COIN]}}]
        assert "third" in openapi["components"]["schemas"]["Quote"]["properties"]
        assert "Third-Quote" in operation["responses"]["402"]["headers"]
        assert "Third-Receipt" in operation["responses"]["200"]["headers"]
        assert "thirdcoin on a local test chain with the id of Thirdnet" in (await buyer.get("/llms.txt")).text
        assert "Guide to Third" in (await buyer.get("/")).text
        exposed = (await buyer.get("/", headers=ORIGIN)).headers["Access-Control-Expose-Headers"].split(", ")
        assert {"Third-Quote", "Third-Receipt"} <= set(exposed)
        assert not {"PAYMENT-REQUIRED", "PAYMENT-RESPONSE", "WWW-Authenticate", "Payment-Receipt"} & set(exposed)
        assert (await buyer.get("/.well-known/third")).json()["sold"][0].endswith("/v1/remove-background")
        picture, headers = photograph(91), {"Content-Type": "image/jpeg"}
        quote = await buyer.post(ROUTE, content=picture, headers=headers)
        assert (quote.status_code, "third" in quote.json()) == (402, True)
        sold = await buyer.post(ROUTE, content=picture, headers={**headers, "third-payment": "payment-1 signed"})
    assert (sold.status_code, sold.headers["Content-Type"]) == (200, "image/png")


def test_its_section_is_read_and_validated_as_the_others_are() -> None:
    assert load(SETTINGS | {"CLEARCANVAS_THIRD__SECONDS": "7"}, rails=TABLE).rail(ThirdConfig).seconds == 7
    assert {"third.enabled", "third.chain_id", "third.payee"} <= {*names(settings_with(TABLE))}
    with pytest.raises(ConfigurationError) as fault:
        load({"CLEARCANVAS_THIRD__SECOND": "7", "CLEARCANVAS_WORKERS": "many"}, rails=TABLE)
    assert fault.value.names == ("CLEARCANVAS_THIRD__PAYEE", "CLEARCANVAS_THIRD__SECOND", "CLEARCANVAS_WORKERS")
    assert "did you mean CLEARCANVAS_THIRD__SECONDS?" in str(fault.value)
    with pytest.raises(ConfigurationError, match="CLEARCANVAS_THIRD__SECOND: is not a setting"):
        load({"CLEARCANVAS_THIRD__SECOND": "7"})
