"""In which form a picture is sent, and in which the answer comes."""

import base64
from collections.abc import AsyncIterator

import pytest

from api.form import BODY_TYPES
from tests.api.storefront import Storefront, picture

PNG, JPEG, WEBP = picture("PNG"), picture(), picture("WEBP")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (JPEG, "image/jpg"),
        (JPEG, "image/pjpeg"),
        (PNG, "image/x-png"),
        (JPEG, "application/octet-stream"),
        (PNG, ""),
        (WEBP, "Application/Octet-Stream; charset=binary"),
    ],
)
async def test_other_names_of_the_types_are_taken(storefront: Storefront, body: bytes, content_type: str) -> None:
    """Where no type is named, the first bytes do."""
    assert (await storefront.post(body, Content_Type=content_type)).status_code == 402
    assert (await storefront.post(body, coin="coin-1", Content_Type=content_type)).status_code == 200


@pytest.mark.parametrize("content_type", ["image/jpg", "application/octet-stream"])
async def test_what_is_no_picture_is_refused_under_any_name(storefront: Storefront, content_type: str) -> None:
    answer = await storefront.post(b"nothing of the kind", Content_Type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_image")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "identity, gzip", "GZIP", "x-unknown"])
async def test_a_compressed_body_is_refused_before_it_is_read(storefront: Storefront, coding: str) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield JPEG

    answer = await storefront.post(body(), coin="coin-1", Content_Encoding=coding)
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (
        415,
        "unsupported_media_type",
        False,
    )
    assert answer.headers["Accept-Encoding"] == "identity"
    assert (read, storefront.rail.moved) == (0, [])


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
async def test_no_coding_may_be_named(storefront: Storefront, coding: str) -> None:
    assert (await storefront.post(JPEG, Content_Encoding=coding)).status_code == 402


BODIES = {
    "HEIC": b"\0\0\0\x24ftypheic\0\0\0\0mif1heic",
    "AVIF": b"\0\0\0\x20ftypavif\0\0\0\0avifmif1",
    "GIF": b"GIF89a\x01\0\x01\0",
    "TIFF": b"II*\0\x08\0\0\0",
    "BMP": b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0",
    "JPEG XL": b"\xff\x0a\xfa\x1f",
    "PDF": b"%PDF-1.7\n",
    "SVG": b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>",
    "HTML": b"\n<!DOCTYPE html><html><title>404</title>",
    "Base64": base64.b64encode(JPEG),
    "Base64 ": b"data:image/png;base64," + base64.b64encode(PNG),
    "multipart": b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + JPEG + b"\r\n--x--",
    "JSON": b'{"image": "https://example.com/a.png"}',
    "ZIP": b"PK\x03\x04\x14\0",
    "video": b"\0\0\0\x20ftypisom",
}


@pytest.mark.parametrize("coin", [None, "coin-1"])
@pytest.mark.parametrize(("name", "body"), BODIES.items(), ids=BODIES)
async def test_what_was_sent_in_place_of_a_picture_is_named(
    storefront: Storefront, name: str, body: bytes, coin: str | None
) -> None:
    answer = await storefront.post(body, coin=coin)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (400, "invalid_image", False)
    assert name.strip() in problem["detail"]
    assert problem["detail"].count(". ") >= 1
    assert storefront.rail.moved == []


TYPES = {
    "image/heic": "HEIC",
    "image/avif": "AVIF",
    "image/gif": "GIF",
    "application/pdf": "PDF",
    "image/svg+xml": "SVG",
    "text/html; charset=utf-8": "HTML",
}


@pytest.mark.parametrize(("content_type", "name"), TYPES.items(), ids=TYPES.values())
async def test_a_type_that_is_not_supported_is_named(storefront: Storefront, content_type: str, name: str) -> None:
    answer = await storefront.post(JPEG, Content_Type=content_type)
    assert answer.status_code == 415
    assert name in answer.json()["detail"]
    assert answer.headers["Accept-Post"] == ", ".join(BODY_TYPES)


@pytest.mark.parametrize(
    ("query", "accept", "media_type", "varies"),
    [
        ("", "*/*", "image/png", True),
        ("", "image/webp;q=1.0", "image/webp", True),
        ("", "image/png;q=0, image/webp", "image/webp", True),
        ("", "image/webp, image/png;q=0.5", "image/webp", True),
        ("?format=webp", "image/png", "image/webp", False),
        ("?format=png", "image/webp", "image/png", False),
        ("?format=png", "text/html", "image/png", False),
    ],
)
async def test_the_query_chooses_the_format_and_else_accept_does(
    storefront: Storefront, query: str, accept: str, media_type: str, varies: bool
) -> None:
    answer = await storefront.post(JPEG, coin="coin-1", query=query, Accept=accept)
    assert answer.headers["Content-Type"] == media_type
    assert ("Accept" in answer.headers["Vary"].split(", ")) == varies


@pytest.mark.parametrize("coin", [None, "coin-1"])
@pytest.mark.parametrize("accept", ["image/jpeg", "text/html", "*/*;q=0"])
async def test_nothing_is_sold_that_would_not_be_taken(storefront: Storefront, accept: str, coin: str | None) -> None:
    answer = await storefront.post(JPEG, coin=coin, Accept=accept)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (406, "not_acceptable", False)
    assert "image/png, image/webp" in problem["detail"]
    assert "Accept" in answer.headers["Vary"].split(", ")
    assert storefront.rail.moved == []


async def test_whoever_asks_for_the_price_may_accept_anything(storefront: Storefront) -> None:
    """Directories and payment tools send JSON, or nothing, and want JSON."""
    assert (await storefront.post(b"", Accept="application/json")).status_code == 402
    json = await storefront.post(b"{}", Content_Type="application/json", Accept="application/json")
    assert json.status_code == 402


@pytest.mark.parametrize("first", ["image/webp", "image/png", "*/*"])
@pytest.mark.parametrize("later", ["image/png", "image/webp", "*/*", "image/jpeg", "text/html"])
async def test_a_picture_comes_again_in_the_format_that_was_bought(
    storefront: Storefront, first: str, later: str
) -> None:
    bought = await storefront.post(JPEG, coin="coin-1", Accept=first)
    again = await storefront.post(JPEG, coin="coin-1", Accept=later)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.headers["Content-Type"] == bought.headers["Content-Type"]
    assert again.content == bought.content
    assert len(storefront.rail.moved) == 1


async def test_another_picture_is_still_refused_whatever_accept_says(storefront: Storefront) -> None:
    await storefront.post(JPEG, coin="coin-1", Accept="image/webp")
    other = await storefront.post(PNG, coin="coin-1", Content_Type="image/png", Accept="image/png")
    assert (other.status_code, other.json()["code"]) == (409, "payment_used")


async def test_a_format_that_is_named_is_what_is_asked_for(storefront: Storefront) -> None:
    """Who names another one than was bought asks for something else."""
    await storefront.post(JPEG, coin="coin-1", Accept="image/webp")
    named = await storefront.post(JPEG, coin="coin-1", query="?format=png", Accept="image/webp")
    assert (named.status_code, named.json()["code"]) == (409, "payment_used")
    same = await storefront.post(JPEG, coin="coin-1", query="?format=webp")
    assert same.status_code == 200
