"""Host names that sell on one rail only: `x402.example` and `mpp.example`, as `running_service` is set up."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.running_service import RunningService

BOUND: dict[Way, str] = {"x402 v2": "x402.example", "x402 v1": "x402.example", "mpp": "mpp.example"}


@pytest.mark.parametrize("way", WAYS)
async def test_a_bound_host_quotes_its_rail_alone_and_sells_on_it(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer, host = buyer_for(way), {"Host": BOUND[way]}
    quote = await buyer.post(b"", host)
    assert quote.status_code == 402
    assert ("WWW-Authenticate" in quote.headers) is (way == "mpp")
    assert ("PAYMENT-REQUIRED" in quote.headers) is (way != "mpp")
    assert ("accepts" in quote.json()) is (way != "mpp")
    if way != "mpp":
        assert quote.json()["accepts"][0]["resource"].startswith("http://x402.example:")

    else:
        assert 'realm="mpp.example"' in quote.headers["WWW-Authenticate"]

    earned = buyer.earned()
    sold = await buyer.post(picture, {**host, **await buyer.sign(b"")})
    assert sold.status_code == 200, sold.text
    assert buyer.earned() == earned + PRICE


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("nothing_charged")
async def test_a_payment_of_the_other_rail_is_refused(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer = buyer_for(way)
    other = "x402.example" if way == "mpp" else "mpp.example"
    refusal = await buyer.post(picture, {"Host": other, **await buyer.sign(picture)})
    assert refusal.status_code == 402
    assert (refusal.json()["reason"], refusal.json()["charged"]) == ("rail_not_offered", False)


@pytest.mark.parametrize(
    ("host", "names", "other"),
    [
        ("x402.example", "USDC on a local test chain with the id of Base Sepolia", "tempo"),
        ("mpp.example", "pathUSD or AlphaUSD on a local test chain with the id of Tempo Moderato", "x402"),
    ],
)
async def test_the_documents_of_a_bound_host_name_its_rail_and_the_networks_of_the_sandbox(
    running_service: RunningService, host: str, names: str, other: str
) -> None:
    rail = host.partition(".")[0]
    async with httpx.AsyncClient(
        base_url=running_service.url, headers={"Host": host}, trust_env=False, verify=TRUST
    ) as client:
        for path in ("/", "/llms.txt", f"/guides/{rail}"):
            text = (await client.get(path)).text
            assert names in text
            assert not re.search(rf"\b{other}\b", text.lower().replace("x402.example", ""))
        protocols = (await client.get("/openapi.json")).json()["paths"]["/v1/remove-background"]["post"]
        assert {name for each in protocols["x-payment-info"]["protocols"] for name in each} == {rail}
        assert (await client.get("/.well-known/x402")).status_code == (200 if rail == "x402" else 404)
        assert (await client.get(f"/guides/{'mpp' if rail == 'x402' else 'x402'}")).status_code == 404
