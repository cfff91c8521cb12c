"""A picture in a form and in JSON: the same sale as with the picture as the body."""

import base64
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.bodies.forms import BOUNDARY, JSON, MULTIPART, as_json, file_part, multipart, part
from tests.api.storefront import Storefront, picture

PICTURE = picture()
LARGE = picture() + bytes(200_000)
TEXT = base64.b64encode(PICTURE).decode()

WAYS = {
    "a file": (MULTIPART, multipart(file_part(PICTURE))),
    "a file without a type": (MULTIPART, multipart(part("image_file", PICTURE, '; filename="photo"'))),
    "a file of a wrong type": (MULTIPART, multipart(file_part(PICTURE, "text/plain"))),
    "a file without a name": (MULTIPART, multipart(part("image_file", PICTURE))),
    "Base64 in a form": (MULTIPART, multipart(part("image_file_b64", TEXT))),
    "beside empty fields": (
        MULTIPART,
        multipart(part("image_url", ""), part("image_file_b64", ""), file_part(b""), file_part(PICTURE)),
    ),
    "after a preamble": (MULTIPART, b"\r\n" + multipart(file_part(PICTURE))),
    "a quoted boundary": (
        f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"',
        multipart(file_part(PICTURE)),
    ),
    "JSON": (JSON, as_json(PICTURE)),
    "JSON of a kind": ("application/vnd.api+json; charset=utf-8", as_json(PICTURE)),
    "JSON with nothing else": (JSON, as_json(PICTURE, image_url=None, bg_color=None)),
    "a data URL": (JSON, json.dumps({"image_file_b64": f"data:image/jpeg;base64,{TEXT}"}).encode()),
    "without padding": (JSON, json.dumps({"image_file_b64": TEXT.rstrip("=")}).encode()),
    "in lines": (JSON, json.dumps({"image_file_b64": base64.encodebytes(PICTURE).decode()}).encode()),
    "URL-safe": (JSON, json.dumps({"image_file_b64": base64.urlsafe_b64encode(PICTURE).decode()}).encode()),
    "with escapes": (
        JSON,
        f'{{"image_file_b64": "{TEXT}"}}'.replace("/", "\\/").replace("+", "\\u002B").replace("=", "\\u003d").encode(),
    ),
}


@pytest.mark.parametrize(("content_type", "body"), WAYS.values(), ids=WAYS)
async def test_every_form_buys_the_same_picture(storefront: Storefront, content_type: str, body: bytes) -> None:
    """And the payment that was sent with one form gets it again with another: what is bought is the picture."""
    quote = await storefront.post(body, Content_Type=content_type)
    assert quote.status_code == 402
    bought = await storefront.post(body, coin="coin-1", Content_Type=content_type)
    assert bought.status_code == 200
    again = await storefront.post(PICTURE, coin="coin-1")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.content == bought.content
    assert len(storefront.rail.moved) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
@pytest.mark.parametrize("way", ["a file", "Base64 in a form", "JSON", "a data URL", "in lines", "with escapes"])
async def test_a_body_may_come_in_pieces_of_any_size(storefront: Storefront, way: str, size: int) -> None:
    content_type, body = WAYS[way]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    assert (await storefront.post(pieces(), coin="coin-1", Content_Type=content_type)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, multipart(part("format", "webp"), file_part(PICTURE), part("max_side", "16"))),
        (JSON, as_json(PICTURE, format="webp", max_side=16)),
    ],
    ids=["form", "json"],
)
async def test_options_may_stand_in_the_body_before_and_after_the_picture(
    storefront: Storefront, content_type: str, body: bytes
) -> None:
    """They are the same order as in the query."""
    bought = await storefront.post(body, coin="coin-1", Content_Type=content_type)
    assert (bought.status_code, bought.headers["Content-Type"], bought.headers["X-Width"]) == (200, "image/webp", "16")
    again = await storefront.post(PICTURE, coin="coin-1", query="?format=webp&max_side=16")
    assert (again.status_code, again.content) == (200, bought.content)


async def test_true_and_false_are_options_of_json(storefront: Storefront) -> None:
    bought = await storefront.post(as_json(PICTURE, crop=True, crop_margin="10%"), coin="a", Content_Type=JSON)
    assert bought.status_code == 200
    assert (await storefront.post(as_json(PICTURE, crop=False), coin="b", Content_Type=JSON)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART, multipart(file_part(LARGE), part("max_side", "16"))),
        (JSON, as_json(LARGE, max_side=16)),
        (JSON, json.dumps({"image_file_b64": base64.encodebytes(LARGE).decode(), "max_side": 16}).encode()),
    ],
    ids=["form", "json", "lines"],
)
async def test_a_large_picture_is_quoted_by_its_beginning_and_its_last_option(
    storefront: Storefront, content_type: str, body: bytes
) -> None:
    """The quote's URL names the option, which follows the picture."""
    quote = await storefront.post(body, Content_Type=content_type)
    assert quote.status_code == 402
    assert quote.json()["x"]["url"].endswith("?max_side=16")
    assert (await storefront.post(body, coin="a", Content_Type=content_type)).status_code == 200


BAD: dict[str, tuple[str, bytes, int, str]] = {
    "no boundary": ("multipart/form-data", multipart(file_part(PICTURE)), 400, "bad_request"),
    "a boundary of 300 characters": (f"multipart/form-data; boundary={'x' * 300}", b"--x", 400, "bad_request"),
    "another boundary": ("multipart/form-data; boundary=y", multipart(file_part(PICTURE)), 400, "bad_request"),
    "a form that ends early": (MULTIPART, multipart(file_part(PICTURE), end=""), 400, "bad_request"),
    "a part without a name": (
        MULTIPART,
        f"--{BOUNDARY}\r\nX: y\r\n\r\nz\r\n--{BOUNDARY}--".encode(),
        400,
        "bad_request",
    ),
    "a part with a huge header": (MULTIPART, multipart(part("size", "full", ";x=" + "y" * 9000)), 400, "bad_request"),
    "a part with many headers": (MULTIPART, multipart(part("size", "full", "\r\nX: y" * 99)), 400, "bad_request"),
    "a thousand parts": (MULTIPART, multipart(*[part("size", "full")] * 1000), 400, "bad_request"),
    "a thousand files without content": (MULTIPART, multipart(*[file_part(b"")] * 1000), 400, "bad_request"),
    "a large field": (MULTIPART, multipart(part("file", bytes(100_000))), 413, "upload_too_large"),
    "many large fields": (MULTIPART, multipart(*[part("size", "x" * 16_000)] * 9), 413, "upload_too_large"),
    "a field that is not text": (MULTIPART, multipart(file_part(PICTURE), part("size", b"\xff")), 400, "bad_request"),
    "an unknown field": (MULTIPART, multipart(file_part(PICTURE), part("sise", "full")), 400, "bad_request"),
    "a wrong value": (MULTIPART, multipart(file_part(PICTURE), part("size", "huge")), 400, "invalid_option"),
    "an option twice": (MULTIPART, multipart(file_part(PICTURE), *[part("size", "hd")] * 2), 400, "invalid_option"),
    "two files": (MULTIPART, multipart(file_part(PICTURE), file_part(PICTURE)), 400, "bad_request"),
    "a file and Base64": (MULTIPART, multipart(file_part(PICTURE), part("image_file_b64", TEXT)), 400, "bad_request"),
    "no picture in a file": (MULTIPART, multipart(file_part(b"nothing of the kind")), 400, "invalid_image"),
    "half a picture in a file": (MULTIPART, multipart(file_part(picture("PNG")[:40])), 400, "invalid_image"),
    "JSON that ends early": (JSON, as_json(PICTURE)[:-1], 400, "bad_request"),
    "JSON that ends in the picture": (JSON, as_json(PICTURE)[:99], 400, "bad_request"),
    "no JSON": (JSON, b"image_file_b64=" + TEXT.encode(), 400, "bad_request"),
    "the picture as JSON": (JSON, PICTURE, 400, "bad_request"),
    "an array": (JSON, b"[" + as_json(PICTURE) + b"]", 400, "bad_request"),
    "deep JSON": (JSON, b'{"a":' + b"[" * 60_000, 400, "bad_request"),
    "JSON of 33 levels": (JSON, b'{"a":' * 33 + b"1" + b"}" * 33, 400, "bad_request"),
    "deep JSON of objects": (JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "bad_request"),
    "a long number": (JSON, b'{"max_side":' + b"9" * 60_000 + b"}", 400, "bad_request"),
    "huge JSON": (JSON, b"[" + b"[]," * 100_000 + b"[]]", 413, "upload_too_large"),
    "a huge member": (JSON, b'{"text": "' + b"x" * 100_000 + b'"}', 413, "upload_too_large"),
    "huge escapes": (JSON, b'{"text": "' + b"\\u0041" * 100_000 + b'"}', 413, "upload_too_large"),
    "an unknown escape": (JSON, b'{"image_file_b64": "\\uXYZW0000"}', 400, "bad_request"),
    "Base64 in an array": (JSON, b'{"image_file_b64": ["' + TEXT.encode() + b'"]}', 400, "bad_request"),
    "two pictures in JSON": (
        JSON,
        f'{{"image_file_b64":"{TEXT}","image_file_b64":"{TEXT}"}}'.encode(),
        400,
        "bad_request",
    ),
    "a member twice": (JSON, f'{{"image_file_b64":"{TEXT}","size":"hd","size":"hd"}}'.encode(), 400, "bad_request"),
    "an unknown member": (JSON, as_json(PICTURE, sise="full"), 400, "bad_request"),
    "an option that is a list": (JSON, as_json(PICTURE, size=["full"]), 400, "bad_request"),
    "an option that is a fraction": (JSON, as_json(PICTURE, max_side=16.5), 400, "bad_request"),
    "rubbish in Base64": (JSON, f'{{"image_file_b64": "{TEXT[:40]}*{TEXT[40:]}"}}'.encode(), 400, "invalid_image"),
    "Base64 after its end": (JSON, f'{{"image_file_b64": "{TEXT}==={TEXT}"}}'.encode(), 400, "invalid_image"),
    "Base64 of Base64": (JSON, as_json(TEXT.encode()), 400, "invalid_image"),
    "one letter too many": (JSON, f'{{"image_file_b64": "{TEXT.rstrip("=")[:80]}A"}}'.encode(), 400, "invalid_image"),
    "a data URL without Base64": (JSON, b'{"image_file_b64": "data:image/png,xyz"}', 400, "invalid_image"),
    "a data URL without an end": (JSON, b'{"image_file_b64": "data:' + b"x" * 500 + b'"}', 400, "invalid_image"),
    "half a data URL": (JSON, b'{"image_file_b64": "data:image/png"}', 400, "invalid_image"),
    "not ASCII": (JSON, '{"image_file_b64": "\u00e9\u00e9\u00e9\u00e9"}'.encode(), 400, "invalid_image"),
}


@pytest.mark.parametrize("coin", [None, "coin-1"], ids=["unpaid", "paid"])
@pytest.mark.parametrize(("content_type", "body", "status", "code"), BAD.values(), ids=BAD)
async def test_what_can_never_succeed_is_neither_quoted_nor_charged(
    storefront: Storefront, content_type: str, body: bytes, status: int, code: str, coin: str | None
) -> None:
    answer = await storefront.post(body, coin=coin, Content_Type=content_type)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["charged"]) == (status, code, False), problem["detail"]
    assert storefront.rail.moved == []


@pytest.mark.parametrize("body", [b"", b"{}", b'{"prompt": {"a": [1.5]}, "n": 3}', b'{"image_url": null}'])
async def test_json_without_a_picture_asks_for_the_price(storefront: Storefront, body: bytes) -> None:
    assert (await storefront.post(body, Content_Type=JSON)).status_code == 402
    paid = await storefront.post(body, coin="coin-1", Content_Type=JSON)
    assert (paid.status_code, paid.json()["charged"]) == (400, False)
    assert storefront.rail.moved == []


async def test_a_question_for_a_price_may_name_options(storefront: Storefront) -> None:
    quote = await storefront.post(b'{"max_side": 16, "prompt": "cat"}', Content_Type=JSON)
    assert quote.json()["x"]["url"].endswith("?max_side=16")


def _is_small(answer: httpx.Response) -> bool:
    return len(answer.content) < 20_000


async def test_a_refusal_repeats_no_more_than_a_little_of_what_was_sent(storefront: Storefront) -> None:
    for body in (as_json(PICTURE, **{"x" * 9_000: 1}), as_json(PICTURE, size="y" * 9_000)):
        assert _is_small(await storefront.post(body, Content_Type=JSON))
