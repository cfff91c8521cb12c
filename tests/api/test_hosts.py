"""Each host has documents of its own: behind a host that is bound to one rail, no document names the other."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.api.storefront import OFFER, Storefront, open_storefront

HOSTS = {"x402.example.com": ("x402",), "mpp.example.com": ("mpp",)}
SKILL = "/.well-known/agent-skills"
DOCUMENTS = [
    "/",
    "/llms.txt",
    "/openapi.json",
    "/v1/models",
    f"{SKILL}/index.json",
    f"{SKILL}/remove-background/SKILL.md",
]
WORDS = {
    "x402": re.compile(r"x402(?!\.example)|USDC|Base Sepolia|PAYMENT-REQUIRED|X-PAYMENT(?!-info)", re.IGNORECASE),
    "mpp": re.compile(r"\bmpp\b(?!\.example)|pathUSD|Tempo|WWW-Authenticate", re.IGNORECASE),
}
"""What only documents about a rail say."""


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Storefront]:
    async with open_storefront(tmp_path, offer=replace(OFFER, hosts=HOSTS)) as storefront:
        yield storefront


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_host_without_rails_of_its_own_offers_all(hosts: Storefront, path: str) -> None:
    text = (await hosts.client.get(path)).text
    assert "https://cutouts.example.com" in text
    assert not re.search(r"//(x402|mpp)\.example", text)
    if path != "/v1/models":
        assert all(words.search(text) for words in WORDS.values())


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(("rail", "other"), [("x402", "mpp"), ("mpp", "x402")])
async def test_a_bound_host_names_itself_and_its_rail_only(hosts: Storefront, path: str, rail: str, other: str) -> None:
    text = (await hosts.client.get(path, headers={"Host": f"{rail}.example.com"})).text
    assert f"https://{rail}.example.com" in text
    assert "cutouts.example.com" not in text
    assert f"{other}.example.com" not in text
    assert not WORDS[other].search(text), WORDS[other].search(text)
    if path != "/v1/models":
        assert WORDS[rail].search(text)


async def test_a_host_that_nobody_bound_is_never_quoted_back(hosts: Storefront) -> None:
    for path in DOCUMENTS:
        answer = await hosts.client.get(path, headers={"Host": "evil.example"})
        assert answer.text == (await hosts.client.get(path)).text


async def test_the_x402_listing_is_on_hosts_that_offer_x402(hosts: Storefront) -> None:
    listed = await hosts.client.get("/.well-known/x402", headers={"Host": "x402.example.com"})
    assert listed.json()["resources"] == ["https://x402.example.com/v1/remove-background"]
    missing = await hosts.client.get("/.well-known/x402", headers={"Host": "mpp.example.com"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("money", "place"),
    [
        ("real", "USDC on Base Sepolia."),
        ("testnet", "USDC on Base Sepolia (a test network)"),
        ("sandbox", "USDC on a local test chain with the id of Base Sepolia"),
    ],
)
async def test_networks_are_named_as_they_are_configured(tmp_path: Path, money: str, place: str) -> None:
    rails = tuple(replace(rail, money=money) for rail in OFFER.rails)  # type: ignore[arg-type] # one of its literals
    async with open_storefront(tmp_path, offer=replace(OFFER, rails=rails)) as storefront:
        assert place in (await storefront.client.get("/")).text
        assert place.rstrip(".") in (await storefront.client.get("/llms.txt")).text
