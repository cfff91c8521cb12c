"""The whole service with its settlement key at a remote signer: anvil, behind a proxy that fails on demand."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from payments.evm.remote_signer import FRESH_S, REFUSES
from sandbox.accounts import SETTLER
from sandbox.chains import BaseChain, TempoChain
from tests.buying import photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import PurchaseClient
from tests.fakes.serving import TRUST
from tests.fakes.talkative_proxy import TalkativeProxy
from tests.running_service import TESTNET, RunningService, run_service
from tests.waiting import eventually

TOKEN = "marked-token-of-the-signer"


@pytest.fixture(scope="module")
def proxy(base_chain: BaseChain) -> TalkativeProxy:
    return TalkativeProxy(base_chain.rpc_url, lambda path: "")


@pytest.fixture(scope="module")
def service(
    proxy: TalkativeProxy, base_chain: BaseChain, tempo_chain: TempoChain, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    with proxy.serve() as signer:
        settings = {
            **TESTNET,
            "CLEARCANVAS_X402__SIGNER_URL": f"http://{signer}/marked-path-of-the-signer",
            "CLEARCANVAS_X402__SIGNER_ADDRESS": SETTLER.address,
            "CLEARCANVAS_X402__SIGNER_TOKEN": TOKEN,
            "CLEARCANVAS_LOG_LEVEL": "debug",
        }
        with run_service(base_chain, tempo_chain, tmp_path_factory.mktemp("service"), settings) as service:
            yield service


@pytest.fixture
async def client(service: RunningService) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False, verify=TRUST) as client:
        yield client


def says(service: RunningService, said: str) -> bool:
    """Whether every worker says this of x402: each answer comes from one of them."""
    answers = [
        httpx.get(f"{service.url}/readyz", trust_env=False, verify=TRUST).json()["rails"]["x402"] for _ in range(10)
    ]
    return set(answers) == {said}


async def test_sells_when_the_signer_signs_and_charges_nothing_when_it_does_not(
    service: RunningService, client: httpx.AsyncClient, proxy: TalkativeProxy
) -> None:
    buyer = PurchaseClient(service, client, "x402 v2", "10.31.0.1")
    proxy.recover()
    assert eventually(lambda: says(service, "ok"))
    picture, payment, before = photograph(quality=90), await buyer.sign(b""), buyer.earned()
    proxy.fail("rpc_error")
    assert eventually(lambda: says(service, REFUSES), seconds=3 * FRESH_S)
    refused = await buyer.post(picture, payment)
    told = refused.json()
    assert (refused.status_code, told["code"], told["charged"]) == (503, "rail_unavailable", False)
    assert (told["payment_state"], told["retryable"], told["detail"]) == ("unused", True, REFUSES)
    assert buyer.earned() == before
    proxy.recover()
    assert eventually(lambda: says(service, "ok"))
    sold = await buyer.post(picture, payment)
    assert sold.status_code == 200, sold.text
    assert buyer.earned() == before + PRICE
    log = service.log_path.read_text()
    assert "eth_signTransaction failed" in log
    assert "marked" not in log
