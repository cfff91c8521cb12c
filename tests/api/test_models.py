"""Several models in one service: what is quoted, what a payment is bound to, and what the documents say of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.discovery import models
from api.openapi import openapi
from api.pricing import PATH, PriceList
from storage import Database
from storage.records import SqlRecords, Wanted
from tests.api.storefront import BOTH, LARGE, SMALL, Storefront, open_storefront, picture
from tests.fakes.infer import Disc

URL = f"https://cutouts.example.com{PATH}"
QUERIES = ("", "?model=small", "?model=large")


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Storefront]:
    """A storefront with a small model, the default, and a large one at three times its price."""
    async with open_storefront(tmp_path, offer=BOTH) as storefront:
        yield storefront


@pytest.mark.parametrize(
    ("query", "url", "price"),
    [("", URL, "0.05"), ("?model=small", f"{URL}?model=small", "0.05"), ("?model=large", f"{URL}?model=large", "0.15")],
)
async def test_a_model_is_quoted_at_its_own_price_and_address(
    both: Storefront, query: str, url: str, price: str
) -> None:
    for body in (b"", picture()):
        answer = await both.post(body, query=query)
        assert answer.headers["WWW-Authenticate"] == f'x price="{price}"'
        assert answer.json()["x"]["url"] == url
        assert f"${price}" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "label", "size"),
    [("", SMALL.label, 64), ("?model=small", SMALL.label, 64), ("?format=webp&model=large", LARGE.label, 96)],
)
async def test_the_model_that_was_named_cuts_the_picture_out(tmp_path: Path, query: str, label: str, size: int) -> None:
    disc = Disc()
    async with open_storefront(tmp_path, offer=BOTH, infer=disc) as storefront:
        answer = await storefront.post(picture(), coin="coin-1", query=query)
    assert (answer.status_code, answer.headers["X-Model"]) == (200, label)
    assert [image.shape[0] for image in disc.seen] == [size]


@pytest.mark.parametrize(
    "query", ["?model=huge", "?model=", "?model=Small", "?model=small&model=large", "?model=small%20"]
)
@pytest.mark.parametrize("coin", [None, "coin-1"])
async def test_a_model_that_is_not_served_is_refused_with_those_that_are(
    both: Storefront, query: str, coin: str | None
) -> None:
    answer = await both.post(b"" if coin is None else picture(), coin=coin, query=query)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (400, "unknown_model", False)
    assert problem["detail"] == "'model' must be one of: small, large."
    assert (both.rail.called("verify"), both.rail.moved) == (0, [])


@pytest.mark.parametrize("bought", QUERIES)
@pytest.mark.parametrize("sent", QUERIES)
async def test_a_payment_sent_again_gets_the_model_that_it_bought(both: Storefront, bought: str, sent: str) -> None:
    """By name: who named none gets the default of the day, and who named one gets that one."""
    first = await both.post(picture(), coin="coin-1", query=bought)
    again = await both.post(picture(), coin="coin-1", query=sent)
    assert first.status_code == 200
    if sent == bought:
        assert (again.status_code, again.headers["X-Model"]) == (200, first.headers["X-Model"])
    else:
        assert (again.status_code, again.json()["code"], again.json()["charged"]) == (409, "payment_used", True)
    assert both.rail.moved == ["coin-1"]


@pytest.mark.parametrize("other", QUERIES[:2])
async def test_a_named_purchase_is_one_of_its_model(both: Storefront, other: str) -> None:
    await both.post(picture(), coin="coin-1", query="?model=large", Idempotency_Key="mine")
    answer = await both.post(picture(), coin="coin-2", query=other, Idempotency_Key="mine")
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (409, "idempotency_key_used", False)
    again = await both.post(picture(), coin="coin-3", query="?model=large", Idempotency_Key="mine")
    assert (again.status_code, again.headers["X-Model"]) == (200, LARGE.label)
    assert both.rail.moved == ["coin-1"]


async def test_another_default_forfeits_no_paid_picture(tmp_path: Path) -> None:
    sold: list[PriceList] = [BOTH, replace(BOTH, models=(LARGE, SMALL))]
    for offer, replayed in zip(sold, (None, "true"), strict=True):
        async with open_storefront(tmp_path, offer=offer) as storefront:
            named = await storefront.post(picture(), coin="named", query="?model=small")
            unnamed = await storefront.post(picture(), coin="unnamed")
        assert named.headers["X-Model"] == SMALL.label
        assert unnamed.headers["X-Model"] == offer.default.label
        assert {each.headers.get("Idempotent-Replayed") for each in (named, unnamed)} == {replayed}


async def test_a_host_of_its_own_quotes_the_model_under_its_name() -> None:
    offer = replace(BOTH, hosts={"x.example.com": ("x402",)}, public_url="https://cutouts.example.com:8443")
    assert offer.url([("model", "large")], "x.example.com") == f"https://x.example.com:8443{PATH}?model=large"
    assert offer.url([("model", "large")], "evil.example") == f"https://cutouts.example.com:8443{PATH}?model=large"


async def test_the_models_are_listed_with_what_decides_between_them(both: Storefront) -> None:
    answer = await both.client.get("/v1/models")
    assert answer.json()["models"] == [
        {
            "name": "small",
            "label": "small 7a86178d",
            "default": True,
            "size": 64,
            "licence": "Apache-2.0",
            "price": {"currency": "USD", "amount": "0.05"},
            "url": f"{URL}?model=small",
        },
        {
            "name": "large",
            "label": "large 0123abcd",
            "default": False,
            "size": 96,
            "licence": "MIT",
            "price": {"currency": "USD", "amount": "0.15"},
            "url": f"{URL}?model=large",
        },
    ]


def test_the_description_names_every_model_and_its_price() -> None:
    document = openapi(BOTH)
    operation = document["paths"][PATH]["post"]
    [parameter] = [each for each in operation["parameters"] if each["name"] == "model"]
    assert parameter["schema"] == {"type": "string", "enum": ["small", "large"], "default": "small"}
    assert "small $0.05, large $0.15" in parameter["description"]
    assert operation["x-payment-info"]["price"]["amount"] == "0.05"
    [listed] = document["components"]["schemas"]["Models"]["properties"].values()
    assert set(listed["items"]["properties"]) == set(models(BOTH)["models"][0]) == set(listed["items"]["required"])


async def test_pages_and_listing_name_every_model(both: Storefront) -> None:
    for path in ("/", "/llms.txt"):
        assert "small $0.05, large $0.15" in (await both.client.get(path)).text
    listing = (await both.client.get("/.well-known/x402")).json()
    assert listing["resources"] == [URL, f"{URL}?model=large"]


async def test_the_ledger_says_what_each_payment_bought(both: Storefront, tmp_path: Path) -> None:
    """The default by its name, too: it may be another one later."""
    for query, coin in (("", "coin-1"), ("?model=large", "coin-2")):
        assert (await both.post(picture(), coin=coin, query=query)).is_success
    async with Database(f"sqlite:///{tmp_path}/ledger.sqlite3") as database:
        found = await SqlRecords(database).page(Wanted())
    assert {record.entry.payment.id: record.product for record in found} == {"coin-1": "small", "coin-2": "large"}
