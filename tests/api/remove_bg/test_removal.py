"""The route of remove.bg as its clients use it: their forms, their answers, and the same sale as everywhere."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from api.config import FetchConfig, UploadLimits
from api.pricing import REMOVE_BG_PATH
from tests.api.bodies.forms import JSON, MULTIPART, as_json, file_part, multipart, part
from tests.api.bodies.test_bodies import BAD, WAYS
from tests.api.storefront import BOTH, Storefront, open_storefront, picture
from tests.fakes.picture_host import PictureHost

FORM = "application/x-www-form-urlencoded"
PICTURE = picture()
TEXT = base64.b64encode(PICTURE).decode()

RECORDED = {
    "remove.bg 1.3.0 of npm, a file": (
        MULTIPART,
        multipart(part("size", "preview"), part("type", "auto"), part("crop", "false"), file_part(PICTURE)),
    ),
    "remove.bg 1.3.0 of npm, Base64": (JSON, as_json(PICTURE, size="preview", type="auto", crop=False)),
    "removebg 0.04 of PyPI, a file": (MULTIPART, multipart(part("size", "regular"), file_part(PICTURE))),
    "removebg 0.04 of PyPI, Base64": (FORM, urlencode({"image_file_b64": TEXT, "size": "regular"}).encode()),
    "remove-bg-api 0.2.1 of PyPI, a file": (
        MULTIPART,
        multipart(
            *(part("format", "auto"), part("type", "auto"), part("size", "preview")),
            part("image_file", PICTURE, '; filename="image_file"'),
        ),
    ),
    "a client that sends every field": (
        MULTIPART,
        multipart(
            *(part("size", "preview"), part("type", "auto"), part("type_level", "1"), part("format", "auto")),
            *(part("roi", "0% 0% 100% 100%"), part("crop", "false"), part("crop_margin", "0")),
            *(part("scale", "original"), part("position", "original"), part("channels", "rgba")),
            *(part("add_shadow", "false"), part("semitransparency", "true"), part("bg_color", "")),
            *(part("bg_image_url", ""), part("image_url", ""), file_part(PICTURE)),
        ),
    ),
    "curl -d, without escapes": (FORM, f"image_file_b64={TEXT}&size=preview".encode()),
    "with every letter escaped": (
        FORM,
        f"image_file_b64={''.join(f'%{ord(each):02x}' for each in TEXT)}&size=preview".encode(),
    ),
    "a data URL": (FORM, f"size=&image_file_b64={quote('data:image/jpeg;base64,' + TEXT, safe='')}".encode()),
}


@pytest.mark.parametrize(("content_type", "body"), [*RECORDED.values(), *WAYS.values()], ids=[*RECORDED, *WAYS])
async def test_every_form_buys_the_same_picture(storefront: Storefront, content_type: str, body: bytes) -> None:
    """And the same payment gets it again on our own route: what is bought is the picture with its options."""
    asked = await storefront.post(body, path=REMOVE_BG_PATH, Content_Type=content_type)
    assert asked.status_code == 402
    assert asked.json()["x"]["url"] == f"https://cutouts.example.com{REMOVE_BG_PATH}"
    bought = await storefront.post(body, coin="a", path=REMOVE_BG_PATH, Content_Type=content_type)
    assert (bought.status_code, bought.headers["Content-Type"]) == (200, "image/png")
    again = await storefront.post(PICTURE, coin="a", query="?size=preview&format=png")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.content == bought.content
    assert len(storefront.rail.moved) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("way", ["curl -d, without escapes", "with every letter escaped", "a data URL"])
async def test_a_form_may_come_in_pieces_of_any_size(storefront: Storefront, way: str, size: int) -> None:
    content_type, body = RECORDED[way]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    answer = await storefront.post(pieces(), coin="a", path=REMOVE_BG_PATH, Content_Type=content_type)
    assert answer.status_code == 200, answer.text


async def test_the_header_fields_say_what_was_charged(storefront: Storefront) -> None:
    """A credit is a picture, and one that comes again costs none."""
    for credit in ("1", "0"):
        answer = await storefront.post(as_json(PICTURE), coin="a", path=REMOVE_BG_PATH, Content_Type=JSON)
        named = {name: answer.headers[f"X-{name}"] for name in ("Type", "Width", "Height", "Credits-Charged")}
        assert named == {"Type": "other", "Width": "48", "Height": "32", "Credits-Charged": credit}


async def test_what_is_left_of_the_limit_is_told_with_every_answer(storefront: Storefront) -> None:
    """It is the limit on unpaid answers; who pays is not counted."""
    left = []
    for coin in (None, "a", None):
        answer = await storefront.post(as_json(PICTURE), coin=coin, path=REMOVE_BG_PATH, Content_Type=JSON)
        left.append(answer.headers["X-RateLimit-Remaining"])
        assert answer.headers["X-RateLimit-Limit"] == "30"
        assert answer.headers["X-RateLimit-Reset"].isdecimal()
    assert left == ["29", "29", "28"]


async def test_json_comes_where_it_is_asked_for(storefront: Storefront) -> None:
    answer = await storefront.post(as_json(PICTURE), coin="a", path=REMOVE_BG_PATH, Content_Type=JSON, Accept=JSON)
    data = answer.json()["data"]
    assert base64.b64decode(data["result_b64"], validate=True).startswith(b"\x89PNG")
    assert {"foreground_left", "foreground_top", "foreground_width", "foreground_height"} <= data.keys()
    assert answer.headers["X-Credits-Charged"] == "1"


async def test_the_size_is_that_of_a_preview_unless_it_is_named(storefront: Storefront) -> None:
    large = picture(size=(1000, 1000))
    preview = await storefront.post(as_json(large), coin="a", path=REMOVE_BG_PATH, Content_Type=JSON)
    full = await storefront.post(as_json(large, size="full"), coin="b", path=REMOVE_BG_PATH, Content_Type=JSON)
    assert (preview.headers["X-Width"], full.headers["X-Width"]) == ("500", "1000")


@pytest.mark.parametrize(
    ("body", "coin", "status", "code"),
    [
        (as_json(PICTURE), None, 402, "insufficient_credits"),
        (as_json(PICTURE, roi="0% 0% 50% 50%"), None, 400, "invalid_option"),
        (as_json(PICTURE, roi="0% 0% 50% 50%"), "a", 400, "invalid_option"),
        (as_json(PICTURE, format="zip"), None, 400, "invalid_format"),
        (as_json(b"nothing of the kind"), "a", 400, "failed_to_read_image"),
        (json.dumps({"image_url": "http://10.0.0.1/"}).encode(), None, 400, "failed_image_download"),
        (as_json(PICTURE, text="x" * 99_999), "a", 413, "file_too_large"),
    ],
)
async def test_a_refusal_is_one_of_theirs_and_of_ours(
    storefront: Storefront, body: bytes, coin: str | None, status: int, code: str
) -> None:
    answer = await storefront.post(body, coin=coin, path=REMOVE_BG_PATH, Content_Type=JSON)
    problem = answer.json()
    assert (answer.status_code, problem["charged"]) == (status, False)
    [error] = problem["errors"]
    assert error == {"title": problem["title"], "detail": problem["detail"], "code": code}
    assert storefront.rail.moved == []


async def test_refusals_of_other_kinds_have_the_list_too(storefront: Storefront) -> None:
    client = storefront.client
    answers = [
        await client.get(REMOVE_BG_PATH),
        await client.get("/v1.0/nothing"),
        await client.post(REMOVE_BG_PATH, content=b"x", headers={"Content-Type": "text/plain"}),
        await client.post(REMOVE_BG_PATH, content=PICTURE, headers={"Content-Digest": "sha-256=:AAAA:"}),
    ]
    assert [each.status_code for each in answers] == [405, 404, 415, 400]
    assert all(each.json()["errors"][0]["title"] == each.json()["title"] for each in answers)
    assert "errors" not in (await client.get("/v1/nothing")).json()


async def test_the_last_answer_of_a_minute_says_when_to_come_back(storefront: Storefront) -> None:
    for _ in range(30):
        await storefront.client.post(REMOVE_BG_PATH)
    answer = await storefront.client.post(REMOVE_BG_PATH)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "rate_limit_exceeded")
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_model_is_named_in_the_query_or_the_form(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, offer=BOTH) as storefront:
        bodies = [(as_json(PICTURE, model="large"), ""), (as_json(PICTURE), "?model=large")]
        for body, query in bodies:
            asked = await storefront.post(body, path=REMOVE_BG_PATH, query=query, Content_Type=JSON)
            assert asked.json()["x"]["url"].endswith(f"{REMOVE_BG_PATH}?model=large")


async def test_a_picture_is_fetched_for_a_payment_only(tmp_path: Path) -> None:
    """In all three forms, as on our own route."""
    with PictureHost(PICTURE).open() as host:
        fetch = FetchConfig(ports=(host.port,), networks=("127.0.0.0/8",), timeout_s=2)
        bodies = [
            (FORM, urlencode({"image_url": host.photo, "size": "auto"}).encode()),
            (JSON, json.dumps({"image_url": host.photo, "size": "auto"}).encode()),
            (MULTIPART, multipart(part("image_url", host.photo), part("size", "auto"))),
        ]
        async with open_storefront(tmp_path, fetch=fetch) as storefront:
            for number, (content_type, body) in enumerate(bodies):
                asked = await storefront.post(body, path=REMOVE_BG_PATH, Content_Type=content_type)
                assert (asked.status_code, len(host.asked)) == (402, number)
                bought = await storefront.post(body, coin=f"{number}", path=REMOVE_BG_PATH, Content_Type=content_type)
                assert (bought.status_code, bought.headers["X-Width"], len(host.asked)) == (200, "48", number + 1)
    assert len(storefront.rail.moved) == 3


async def test_both_routes_hold_no_more_bytes_than_one(tmp_path: Path) -> None:
    """An address that sends to one of them has less left on the other."""
    limits = UploadLimits(max_bytes_per_address=300_000)
    waiting = asyncio.Event()
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield PICTURE + bytes(200_000)
        held.set()
        await waiting.wait()

    large = PICTURE + bytes(200_000)
    async with open_storefront(tmp_path, limits=limits) as storefront:
        first = asyncio.create_task(storefront.post(slow(), coin="a"))
        await held.wait()
        second = await storefront.post(as_json(large), coin="b", path=REMOVE_BG_PATH, Content_Type=JSON)
        waiting.set()
        assert (second.status_code, second.json()["code"]) == (429, "uploads_limited")
        assert (await first).status_code == 200


SEVERAL = "&".join("size=full" for _ in range(99))
BAD_HERE = {
    "two pictures": (FORM, urlencode({"image_file_b64": TEXT, "image_url": "http://a/"}).encode(), 400, "bad_request"),
    "a picture twice": (FORM, f"image_file_b64={TEXT}&image_file_b64={TEXT}".encode(), 400, "bad_request"),
    "a hundred fields": (FORM, f"image_file_b64={TEXT}&{SEVERAL}".encode(), 400, "bad_request"),
    "a field twice": (FORM, f"image_file_b64={TEXT}&size=hd&size=hd".encode(), 400, "invalid_option"),
    "a huge name": (FORM, b"x" * 100_000, 413, "upload_too_large"),
    "a huge field": (FORM, b"size=" + b"x" * 100_000, 413, "upload_too_large"),
    "rubbish in Base64": (FORM, f"image_file_b64={TEXT[:40]}*{TEXT[40:]}".encode(), 400, "invalid_image"),
    "half an escape": (FORM, f"image_file_b64={TEXT.rstrip('=')}%3".encode(), 400, "invalid_image"),
    "no text": (FORM, f"image_file_b64={TEXT}&size=%ff".encode(), 400, "bad_request"),
    "no form": (FORM, PICTURE, 400, "bad_request"),
    "a ground as a file": (
        MULTIPART,
        multipart(file_part(PICTURE), part("bg_image_file", PICTURE, '; filename="b.jpg"')),
        400,
        "bad_request",
    ),
}


@pytest.mark.parametrize("coin", [None, "coin-1"], ids=["unpaid", "paid"])
@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"), [*BAD.values(), *BAD_HERE.values()], ids=[*BAD, *BAD_HERE]
)
async def test_what_can_never_succeed_is_neither_quoted_nor_charged(
    storefront: Storefront, content_type: str, body: bytes, status: int, code: str, coin: str | None
) -> None:
    answer = await storefront.post(body, coin=coin, path=REMOVE_BG_PATH, Content_Type=content_type)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (status, code, False), problem["detail"]
    assert problem["errors"]
    assert storefront.rail.moved == []


async def test_an_account_has_no_credits_and_names_the_price(storefront: Storefront) -> None:
    """Clients subtract what was charged from the total, which has to be a number."""
    attributes = (await storefront.client.get("/v1.0/account")).json()["data"]["attributes"]
    assert attributes["credits"] == {"total": 0, "subscription": 0, "payg": 0, "enterprise": 0}
    assert attributes["api"] == {"free_calls": 0, "sizes": "all"}
    assert attributes["price"] == {"currency": "USD", "amount": "0.05"}
