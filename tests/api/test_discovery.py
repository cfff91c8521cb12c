import hashlib
import json
import re
from xml.etree import ElementTree

import pytest

from tests.api.storefront import Storefront


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/llms.txt", "text/plain; charset=utf-8"),
        ("/v1/models", "application/json"),
        ("/openapi.json", "application/json"),
        ("/.well-known/x402", "application/json"),
        ("/.well-known/agent-skills/index.json", "application/json"),
        ("/.well-known/agent-skills/remove-background/SKILL.md", "text/markdown; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
async def test_a_document_may_be_kept_for_five_minutes(storefront: Storefront, path: str, media_type: str) -> None:
    for answer in (await storefront.client.get(path), await storefront.client.head(path)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media_type)
        assert answer.headers["Cache-Control"] == "public, max-age=300"


async def test_the_pages_name_price_and_address(storefront: Storefront) -> None:
    for path in ("/", "/llms.txt"):
        text = (await storefront.client.get(path)).text
        assert "$0.05" in text
        assert "https://cutouts.example.com/v1/remove-background" in text


async def test_an_agent_finds_the_skill_by_its_index(storefront: Storefront) -> None:
    index = (await storefront.client.get("/.well-known/agent-skills/index.json")).json()
    assert index["$schema"] == "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
    [skill] = index["skills"]
    assert (skill["name"], skill["type"]) == ("remove-background", "skill-md")
    assert len(skill["description"]) <= 1024
    served = await storefront.client.get(skill["url"])
    assert skill["digest"] == f"sha256:{hashlib.sha256(served.content).hexdigest()}"
    head = re.fullmatch(r"---\nname: ([a-z0-9-]{1,64})\ndescription: (.+)\n---\n\n# .*", served.text, re.DOTALL)
    assert head
    assert (head[1], json.loads(head[2])) == (skill["name"], skill["description"])
    for needed in ("$0.05", "https://cutouts.example.com/v1/remove-background", "Idempotency-Key", "retry_action"):
        assert needed in served.text


async def test_the_landing_page_loads_nothing_from_elsewhere(storefront: Storefront) -> None:
    page = (await storefront.client.get("/")).text
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == [
        "/favicon.svg",
        "/try",
        "/guides/x402",
        "/de/guides/x402",
        "/guides/mpp",
        "/de/guides/mpp",
        "/v1/models",
        "/openapi.json",
        "/llms.txt",
        "/readyz",
    ]
    assert "<script" not in page


async def test_every_path_that_a_page_names_exists(storefront: Storefront) -> None:
    texts = [(await storefront.client.get(path)).text for path in ("/", "/llms.txt")]
    named = set(re.findall(r'href="(/[^"]+)"', texts[0])) | set(re.findall(r"\(https://[^/]+(/[^)]+)\)", texts[1]))
    assert len(named) >= 4
    for path in named:
        assert (await storefront.client.get(path)).status_code == 200


async def test_the_x402_listing_names_the_paid_route_only(storefront: Storefront) -> None:
    listing = (await storefront.client.get("/.well-known/x402")).json()
    assert listing == {"version": 1, "resources": ["https://cutouts.example.com/v1/remove-background"]}


async def test_the_icon_is_a_picture(storefront: Storefront) -> None:
    icon = ElementTree.fromstring((await storefront.client.get("/favicon.ico")).text)  # noqa: S314  # our own file
    assert icon.tag == "{http://www.w3.org/2000/svg}svg"
