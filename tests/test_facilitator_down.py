"""The service when the x402 facilitator is out from the start: it starts, says so, and sells over the other rail."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, TempoChain
from sandbox.wallets import sign_x402
from tests.buying import ROUTE, photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import PurchaseClient
from tests.contracts.rail_contract import NOBODY
from tests.fakes.serving import TRUST
from tests.running_service import TESTNET, RunningService, run_service
from tests.waiting import eventually

OUT = "The payment facilitator does not respond."


@pytest.fixture(scope="module")
def service(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """One whose x402 payments are settled by a facilitator that nobody has started."""
    settings = TESTNET | {"CLEARCANVAS_X402__FACILITATOR_URL": NOBODY}
    with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("service"), settings) as service:
        yield service


@pytest.fixture
async def client(service: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False, verify=TRUST) as client:
        yield client


def rails_of(service: RunningService) -> dict[str, str]:
    """What `/readyz` says of the rails."""
    rails: dict[str, str] = httpx.get(f"{service.url}/readyz", trust_env=False, verify=TRUST).json()["rails"]
    return rails


def test_it_starts_and_says_which_rail_is_out(service: RunningService) -> None:
    """Every worker: each answer comes from one of them."""
    said = {"x402": OUT, "mpp": "ok"}
    assert eventually(lambda: all(rails_of(service) == said for _ in range(10)))
    answer = httpx.get(f"{service.url}/readyz", trust_env=False, verify=TRUST)
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_the_gauge_tells_the_operator(service: RunningService) -> None:
    assert eventually(lambda: rails_of(service)["x402"] == OUT)
    metrics = httpx.get(f"{service.url}/metrics", trust_env=False, verify=TRUST).text.splitlines()
    assert 'clearcanvas_rail_up{rail="x402"} 0.0' in metrics
    assert 'clearcanvas_rail_up{rail="mpp"} 1.0' in metrics


async def test_the_other_rail_sells(service: RunningService, client: httpx.AsyncClient) -> None:
    buyer = PurchaseClient(service, client, "mpp", "10.30.0.1")
    earned = buyer.earned()
    sold = await buyer.post(photograph(quality=90), await buyer.sign(b""))
    assert sold.status_code == 200, sold.text
    assert buyer.earned() == earned + PRICE


async def test_quotes_the_healthy_rail_alone(service: RunningService, client: httpx.AsyncClient) -> None:
    assert eventually(lambda: all(rails_of(service)["x402"] == OUT for _ in range(10)))
    quote = await client.post(ROUTE, headers={"X-Forwarded-For": "10.30.0.2"})
    assert quote.status_code == 402
    assert "WWW-Authenticate" in quote.headers
    assert "PAYMENT-REQUIRED" not in quote.headers
    assert "accepts" not in quote.json()


async def test_a_host_without_a_healthy_rail_quotes_nothing(service: RunningService, client: httpx.AsyncClient) -> None:
    assert eventually(lambda: all(rails_of(service)["x402"] == OUT for _ in range(10)))
    answer = await client.post(ROUTE, headers={"Host": "x402.example", "X-Forwarded-For": "10.30.0.3"})
    assert (answer.status_code, answer.json()["code"]) == (503, "rail_unavailable")


async def test_a_payment_over_the_rail_that_is_out_is_tried(
    service: RunningService, running_service: RunningService, client: httpx.AsyncClient
) -> None:
    """Somebody may have been quoted before: not sold, not charged, to be sent again."""
    async with httpx.AsyncClient(base_url=running_service.url, trust_env=False, verify=TRUST) as elsewhere:
        quote = await elsewhere.post(ROUTE, headers={"X-Forwarded-For": "10.30.0.4"})
    payment = sign_x402(BUYER.key, quote.headers["PAYMENT-REQUIRED"])
    headers = {"Content-Type": "image/jpeg", "X-Forwarded-For": "10.30.0.4", **payment}
    answer = await client.post(ROUTE, content=photograph(quality=90), headers=headers)
    body = answer.json()
    assert (answer.status_code, body["code"], body["charged"]) == (503, "rail_unavailable", False)
