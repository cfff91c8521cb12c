"""A picture that is only named, bought from the running service on every rail: fetched once, charged once."""

import asyncio
import base64
import json
from collections import Counter as Tally
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buying import ROUTE, unique_photograph
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.fakes.picture_host import PictureHost
from tests.fakes.serving import TRUST
from tests.running_service import WORKERS, RunningService, run_service

COPIES = 12
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def host() -> Iterator[PictureHost]:
    with PictureHost(unique_photograph()).open() as host:
        yield host


@pytest.fixture(scope="module")
def service(
    host: PictureHost, base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """One that may fetch from this machine, which is not public."""
    settings = {
        "CLEARCANVAS_FETCH__NETWORKS": "127.0.0.0/8",
        "CLEARCANVAS_FETCH__PORTS": str(host.port),
        "CLEARCANVAS_FETCH__TIMEOUT_S": "50",
        "CLEARCANVAS_WORKERS": "1",
    }
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("fetching"), settings) as service:
        yield service


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        yield client


@pytest.fixture(autouse=True)
def another_picture(host: PictureHost) -> None:
    """In each test, and nobody has asked for it yet."""
    host.content = unique_photograph()
    host.asked.clear()
    host.released.clear()


def body_of(url: str) -> bytes:
    return json.dumps({"image_url": url, "size": "full", "format": "png"}).encode()


@pytest.mark.parametrize("path", [ROUTE, "/v1.0/removebg"])
@pytest.mark.parametrize("way", WAYS)
async def test_it_is_fetched_for_the_payment_and_charged_once(
    service: RunningService, client: httpx.AsyncClient, host: PictureHost, way: Way, path: str
) -> None:
    """And the same payment gets it again, by its URL and as the picture itself."""
    buyer = PurchaseClient(service, client, way, path=path)
    earned, body = buyer.earned(), body_of(host.photo)
    payment = await buyer.sign(body, headers=JSON)
    assert host.asked == [], "a quote asks nobody"
    bought = await buyer.post(body, {**JSON, **payment})
    assert bought.status_code == 200, bought.text
    assert host.asked == ["photo"]
    assert_cut_out(bought.content, size=(512, 512))
    in_json = json.dumps({"image_file_b64": base64.b64encode(host.content).decode(), "size": "full", "format": "png"})
    for again in (body, in_json.encode()):
        answer = await buyer.post(again, {**JSON, **payment})
        assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true"), answer.text
        assert answer.content == bought.content
    assert buyer.earned() - earned == PRICE


@pytest.mark.parametrize("way", WAYS)
async def test_one_payment_sent_many_times_at_once_is_charged_once_and_fetched_once_by_a_worker(
    service: RunningService, client: httpx.AsyncClient, host: PictureHost, way: Way
) -> None:
    """All copies but one of each worker are answered while the picture is still on its way."""
    buyer = PurchaseClient(service, client, way)
    earned, body = buyer.earned(), body_of(f"{host.url}/held")
    payment = await buyer.sign(body, headers=JSON)
    copies = [asyncio.create_task(buyer.post(body, {**JSON, **payment})) for _ in range(COPIES)]
    while sum(copy.done() for copy in copies) < COPIES - WORKERS:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED, timeout=1)
        copies.sort(key=asyncio.Task.done)
    assert 1 <= len(host.asked) <= WORKERS
    host.released.set()
    answers = await asyncio.gather(*copies)
    tally = Tally(answer.status_code for answer in answers)
    assert tally.keys() <= {200, 409}
    assert tally[200] >= 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"payment_in_progress"}
    assert buyer.earned() - earned == PRICE


@pytest.mark.parametrize("way", WAYS)
async def test_a_picture_that_is_not_there_is_not_charged_and_the_payment_stays_good(
    service: RunningService, client: httpx.AsyncClient, host: PictureHost, way: Way
) -> None:
    buyer = PurchaseClient(service, client, way)
    earned = buyer.earned()
    payment = await buyer.sign(b'{"format": "png"}', headers=JSON)
    for name, code in [("missing", "image_not_fetched"), ("page", "image_not_fetched"), ("short", "invalid_image")]:
        refused = await buyer.post(body_of(f"{host.url}/{name}"), {**JSON, **payment})
        problem = refused.json()
        assert (refused.status_code, problem["code"], problem["charged"]) == (400, code, False)
    assert buyer.earned() == earned
    bought = await buyer.post(host.content, payment, "format=png")
    assert (bought.status_code, buyer.earned() - earned) == (200, PRICE), bought.text
