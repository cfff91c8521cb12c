"""Documents: cached, tagged, safe to show, and one for each problem type."""

import base64
import hashlib
import re

import pytest

from api.pricing import MODELS_PATH
from api.problem_pages import problem_types
from errors import ServiceError
from tests.api.storefront import Storefront, picture

DOCUMENTS = (
    "/",
    "/openapi.json",
    MODELS_PATH,
    "/v1.0/account",
    "/.well-known/x402",
    "/llms.txt",
    "/robots.txt",
    "/favicon.svg",
)


@pytest.mark.parametrize("path", [*DOCUMENTS, "/problems/invalid_image"])
async def test_a_document_that_the_client_has_is_not_sent_again(storefront: Storefront, path: str) -> None:
    first = await storefront.client.get(path)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    tag = first.headers["ETag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await storefront.client.get(path, headers={"If-None-Match": named})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert (await storefront.client.get(path, headers={"If-None-Match": '"other"'})).content == first.content


async def test_documents_that_differ_have_tags_that_differ(storefront: Storefront) -> None:
    tags = [(await storefront.client.get(path)).headers["ETag"] for path in DOCUMENTS]
    assert len(set(tags)) == len(tags)


async def test_robots_may_read_everything(storefront: Storefront) -> None:
    answer = await storefront.client.get("/robots.txt")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Disallow" not in answer.text


@pytest.mark.parametrize("error", problem_types(), ids=lambda error: error.code)
async def test_every_problem_type_leads_to_its_page(storefront: Storefront, error: type[ServiceError]) -> None:
    answer = await storefront.client.get(f"/problems/{error.code}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"<h1>{error.title}</h1>" in answer.text
    assert f"HTTP status {error.status}" in answer.text
    assert not re.search(r"\$\w|None|`|src=|https?://", answer.text)


async def test_the_type_of_an_answer_is_the_address_of_its_page(storefront: Storefront) -> None:
    for answer in (
        await storefront.post(b"no picture"),
        await storefront.client.get("/nowhere"),
        await storefront.client.get("/v1/remove-background"),
    ):
        problem = answer.json()
        assert problem["type"] == f"https://cutouts.example.com/problems/{problem['code']}"
        page = await storefront.client.get(problem["type"])
        assert problem["title"] in page.text


async def test_an_unknown_problem_has_no_page(storefront: Storefront) -> None:
    assert (await storefront.client.get("/problems/unheard_of")).status_code == 404
    assert (await storefront.post(picture())).json()["type"].endswith("/problems/payment_required")


async def test_a_page_may_load_its_own_style_and_icon_only(storefront: Storefront) -> None:
    for path in ("/", "/problems/invalid_image"):
        answer = await storefront.client.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        [style] = re.findall("<style>(.*?)</style>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert policy == {
            "default-src": "'none'",
            "style-src": f"'sha256-{digest}'",
            "img-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
