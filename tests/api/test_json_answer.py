"""The cut-out in JSON, where `Accept` asks for it."""

import base64
import io
import random

import pytest
from PIL import Image

from tests.api.bodies.forms import JSON, as_json
from tests.api.storefront import Storefront, picture

PICTURE = picture()


async def test_the_same_picture_comes_in_json_and_as_it_is(storefront: Storefront) -> None:
    """Which form it comes in is no part of what is bought."""
    bought = await storefront.post(as_json(PICTURE), coin="a", Content_Type=JSON, Accept=JSON)
    assert (bought.status_code, bought.headers["Content-Type"]) == (200, JSON)
    assert bought.headers["Content-Length"] == str(len(bought.content))
    again = await storefront.post(PICTURE, coin="a")
    assert (again.status_code, again.headers["Content-Type"]) == (200, "image/png")
    data = bought.json()["data"]
    assert base64.b64decode(data.pop("result_b64"), validate=True) == again.content
    assert data == {
        "media_type": "image/png",
        "width": 48,
        "height": 32,
        "foreground_left": 0,
        "foreground_top": 0,
        "foreground_width": 48,
        "foreground_height": 32,
        "foreground_haze": 0.0,
    }
    assert len(storefront.rail.moved) == 1


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("application/json", True),
        ("application/json, image/webp;q=0.5", True),
        ("application/json, */*;q=0.5", True),
        ("application/json, text/plain, */*", False),
        ("application/*, image/*", False),
        ("image/png, application/json;q=0.9", False),
        ("*/*", False),
    ],
)
async def test_json_comes_only_where_it_is_wanted_most(storefront: Storefront, accept: str, is_json: bool) -> None:
    """`application/json, text/plain, */*` is what a common library sends by itself."""
    answer = await storefront.post(PICTURE, coin="a", Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"] == JSON) == (200, is_json)
    assert "Accept" in answer.headers["Vary"]


async def test_the_query_names_the_format_within_json(storefront: Storefront) -> None:
    answer = await storefront.post(PICTURE, coin="a", query="?format=webp", Accept=JSON)
    assert answer.json()["data"]["media_type"] == "image/webp"


@pytest.mark.parametrize("width", [400, 401, 402])
async def test_a_large_picture_comes_in_pieces(storefront: Storefront, width: int) -> None:
    """Base64 goes by three bytes, and the pieces do not."""
    file = io.BytesIO()
    Image.frombytes("RGB", (width, 400), random.Random(width).randbytes(width * 1200)).save(file, "PNG")
    bought = await storefront.post(file.getvalue(), coin="a", Content_Type="image/png", Accept=JSON)
    again = await storefront.post(file.getvalue(), coin="a", Content_Type="image/png")
    assert len(again.content) > 300_000, "more than one piece"
    assert base64.b64decode(bought.json()["data"]["result_b64"], validate=True) == again.content


async def test_a_quote_and_a_refusal_are_what_they_were(storefront: Storefront) -> None:
    quote = await storefront.post(PICTURE, Accept=JSON)
    assert (quote.status_code, quote.headers["Content-Type"]) == (402, "application/problem+json")
    refusal = await storefront.post(b"GIF89a", coin="a", Accept=JSON)
    assert (refusal.status_code, refusal.headers["Content-Type"]) == (400, "application/problem+json")
