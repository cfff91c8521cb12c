"""Two models at two prices, bought each way: a payment buys the model that it was quoted for, and no other."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from config import load
from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelManifest
from sandbox.chains import BaseChain, TempoChain
from tests.buying import photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.end_to_end.refusals import assert_no_receipt
from tests.fakes.serving import TRUST
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, save
from tests.running_service import RunningService, run_service

DEFAULT = ModelManifest.load(load({}).runner.model)
CHEAP = 20_000
"""Base units: $0.02 for the further model, of another size."""

QUERIES = {"": PRICE, f"model={DEFAULT.name}": PRICE, "model=cheap": CHEAP}


@pytest.fixture(scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> ModelManifest:
    """A small network that takes dark for foreground, and that nobody may earn real money with."""
    folder = tmp_path_factory.mktemp("cheap")
    file = save(folder, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    papers = Source("a test's", "CC-BY-NC-4.0", commercial=False)
    return import_model(file, "cheap", GraphHints(MEAN, STD), papers, folder / "models")


@pytest.fixture(scope="module")
def service(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory, cheap: ModelManifest
) -> Iterator[RunningService]:
    settings = {
        "CLEARCANVAS_RUNNER__MORE_MODELS": "cheap=0.02",
        "CLEARCANVAS_RUNNER__MODELS_FOLDER": str(cheap.path.parent),
        "CLEARCANVAS_RUNNER__BACKEND": "cpu",
    }
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("two"), settings) as service:
        yield service


@pytest.fixture
async def at(service: RunningService, address: str, key: str) -> AsyncIterator[Callable[[Way], PurchaseClient]]:
    """Makes a client of the service with two models, for each way to pay."""
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        yield lambda way: PurchaseClient(service, client, way, address, key)


def label(query: str, cheap: ModelManifest) -> str:
    return cheap.label if query == "model=cheap" else DEFAULT.label


def assert_uncharged(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (status, code, False), answer.text
    assert_no_receipt(answer)


@pytest.mark.parametrize("way", WAYS)
async def test_each_model_is_sold_at_its_price(
    at: Callable[[Way], PurchaseClient], picture: bytes, way: Way, cheap: ModelManifest
) -> None:
    buyer = at(way)
    for query, price in QUERIES.items():
        earned = buyer.earned()
        answer = await buyer.post(picture, await buyer.sign(picture, query), query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["X-Model"] == label(query, cheap)
        assert buyer.earned() - earned == price


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("quoted", "sent"), [("model=cheap", ""), ("", "model=cheap")])
async def test_a_payment_for_one_model_buys_no_other(
    at: Callable[[Way], PurchaseClient], picture: bytes, way: Way, quoted: str, sent: str
) -> None:
    """The refusal quotes the model that was asked for, and the payment is still good for its own."""
    buyer = at(way)
    earned = buyer.earned()
    payment = await buyer.sign(picture, quoted)
    refused = await buyer.post(picture, payment, sent)
    assert_uncharged(refused, 402, "payment_rejected")
    [offered] = refused.json()["accepts"]
    assert int(offered["maxAmountRequired"]) == QUERIES[sent]
    assert offered["resource"] == f"{buyer.service.url}/v1/remove-background" + (sent and f"?{sent}")
    assert buyer.earned() == earned
    assert (await buyer.post(picture, payment, quoted)).status_code == 200
    assert buyer.earned() - earned == QUERIES[quoted]


async def test_a_challenge_is_bound_to_its_model_even_at_the_same_price(
    at: Callable[[Way], PurchaseClient], picture: bytes
) -> None:
    buyer = at("mpp")
    refused = await buyer.post(picture, await buyer.sign(picture), f"model={DEFAULT.name}")
    assert_uncharged(refused, 402, "payment_rejected")
    assert refused.json()["reason"] == "invalid-challenge"


@pytest.mark.parametrize("way", WAYS)
async def test_a_settled_payment_gets_its_model_again_and_no_other(
    at: Callable[[Way], PurchaseClient], picture: bytes, way: Way, cheap: ModelManifest
) -> None:
    buyer = at(way)
    payment = await buyer.sign(picture, "model=cheap")
    first = await buyer.post(picture, payment, "model=cheap")
    assert first.status_code == 200, first.text
    earned = buyer.earned()
    for query in ("", f"model={DEFAULT.name}"):
        refused = await buyer.post(picture, payment, query)
        assert (refused.status_code, refused.json()["code"]) == (409, "payment_used"), refused.text
        assert (refused.json()["payment_state"], refused.json()["charged"]) == ("settled", True)
    again = await buyer.post(picture, payment, "model=cheap")
    assert (again.content, again.headers["X-Model"]) == (first.content, cheap.label)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert buyer.earned() == earned


@pytest.mark.parametrize("way", WAYS)
async def test_a_purchase_of_one_model_is_no_purchase_of_another(
    at: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer = at(way)
    name = {"Idempotency-Key": f"two models, {way}".replace(" ", "-").replace(",", "")}
    first = await buyer.post(picture, await buyer.sign(picture, "model=cheap") | name, "model=cheap")
    assert first.status_code == 200, first.text
    earned = buyer.earned()
    refused = await buyer.post(picture, await buyer.sign(picture) | name)
    assert_uncharged(refused, 409, "idempotency_key_used")
    again = await buyer.post(picture, await buyer.sign(picture, "model=cheap") | name, "model=cheap")
    assert (again.status_code, again.content) == (200, first.content)
    assert buyer.earned() == earned


@pytest.mark.parametrize("way", WAYS)
async def test_an_unknown_model_is_refused_before_the_payment(
    at: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer = at(way)
    payment = await buyer.sign(picture)
    earned = buyer.earned()
    refused = await buyer.post(picture, payment, "model=cheep")
    assert_uncharged(refused, 400, "unknown_model")
    assert refused.json()["detail"] == f"'model' must be one of: {DEFAULT.name}, cheap."
    assert (await buyer.post(picture, payment)).status_code == 200
    assert buyer.earned() - earned == PRICE


async def test_pictures_of_both_at_once_share_no_batch(
    at: Callable[[Way], PurchaseClient], cheap: ModelManifest
) -> None:
    """Each comes out as when it is alone; joined in one array, pictures of two sizes would all fail."""
    buyer = at("x402 v2")
    queries = ["", "model=cheap"] * 4
    pictures = [photograph(quality) for quality in range(70, 78)]
    payments = [await buyer.sign(picture, query) for picture, query in zip(pictures, queries, strict=True)]
    answers = await asyncio.gather(*(buyer.post(*each) for each in zip(pictures, payments, queries, strict=True)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [answer.headers["X-Model"] for answer in answers] == [label(query, cheap) for query in queries]


async def test_both_are_ready_counted_and_listed(service: RunningService, cheap: ModelManifest) -> None:
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, verify=TRUST) as client:
        parts = (await client.get("/readyz")).json()["parts"]
        metrics = (await client.get("/metrics")).text
        models = (await client.get("/v1/models")).json()["models"]
    assert parts == {"runner": "ok", "runner cheap": "ok", "decoders": "ok", "ledger": "ok"}
    for manifest in (DEFAULT, cheap):
        assert f'clearcanvas_batch_size_count{{model="{manifest.name}"}}' in metrics
        assert f'clearcanvas_inference_seconds_count{{model="{manifest.name}"}}' in metrics
    assert [(each["name"], each["label"], each["price"]["amount"], each["size"]) for each in models] == [
        (DEFAULT.name, DEFAULT.label, "0.05", DEFAULT.input.size),
        ("cheap", cheap.label, "0.02", SIZE),
    ]


def test_what_may_not_be_sold_with_is_warned_of(service: RunningService) -> None:
    [line] = [line for line in service.log_path.read_text().splitlines() if "model_forbids_commercial_use" in line]
    assert '"licence": "CC-BY-NC-4.0"' in line
