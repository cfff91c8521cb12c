"""Pictures that cannot be cut out, unpaid and with a good payment on every rail: refused, and nothing is charged."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np
import pytest

from imaging import INPUTS, ImageFormat
from tests.api.bodies.forms import JSON, MULTIPART, file_part, multipart, part
from tests.buying import ROUTE
from tests.clients.purchase_client import WAYS, PurchaseClient, Way
from tests.end_to_end.refusals import assert_refused
from tests.imaging.samples import empty_webp, png, saved, scene, with_jpeg_size
from tests.raw_http import answer_to

pytestmark = pytest.mark.usefixtures("nothing_charged")

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
SOUND = {format: saved(scene(), format) for format in INPUTS}
TOO_MANY_BYTES = 26_000_000


@dataclass(frozen=True)
class Bad:
    """A request that is refused, and the refusal."""

    body: bytes
    content_type: str = JPEG.media_type
    query: str = ""
    status: int = 400
    code: str = "invalid_image"


BAD = {
    "a wrong type": Bad(b"GIF89a", "image/gif", status=415, code="unsupported_media_type"),
    "no type and no picture": Bad(b"nothing of the kind", ""),
    "a HEIC picture": Bad(b"\0\0\0\x24ftypheic\0\0\0\0mif1heic"),
    "no form": Bad(SOUND[JPEG], "multipart/form-data; boundary=x", code="bad_request"),
    "two pictures in a form": Bad(
        multipart(file_part(SOUND[JPEG]), file_part(SOUND[PNG])), MULTIPART, code="bad_request"
    ),
    "rubbish in JSON": Bad(b'{"image_file_b64": "*"}', JSON),
    "no JSON": Bad(SOUND[JPEG], JSON, code="bad_request"),
    "JSON that nests": Bad(b"[" * 60_000, JSON, code="bad_request"),
    "another type than it says": Bad(SOUND[PNG], JPEG.media_type),
    "not the type it says": Bad(b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG.media_type),
    "a truncated PNG": Bad(SOUND[PNG][:-40], PNG.media_type),
    "a truncated WebP": Bad(SOUND[WEBP][:-20], WEBP.media_type),
    "10,001 pixels wide": Bad(saved(np.zeros((1, 10_001, 3), np.uint8), PNG), PNG.media_type),
    "10,001 pixels high": Bad(saved(np.zeros((10_001, 1, 3), np.uint8), JPEG), JPEG.media_type),
    "a PNG bomb": Bad(png(60_000, 60_000, 8, 6, b""), PNG.media_type),
    "a JPEG bomb": Bad(with_jpeg_size(SOUND[JPEG], 60_000, 60_000), JPEG.media_type),
    "a WebP bomb": Bad(empty_webp(16_384, 16_384), WEBP.media_type),  # the format ends here
    "an unknown format": Bad(SOUND[JPEG], query="format=bmp", code="unknown_format"),
    "an empty format": Bad(SOUND[JPEG], query="format=", code="unknown_format"),
    "two formats": Bad(SOUND[JPEG], query="format=png&format=webp", code="unknown_format"),
    "an unknown parameter": Bad(SOUND[JPEG], query="sise=small", code="bad_request"),
    "26 MB": Bad(bytes(TOO_MANY_BYTES), status=413, code="upload_too_large"),
}

SHOWN_BY_DECODING = {
    "a truncated JPEG": Bad(SOUND[JPEG][:-20], JPEG.media_type),
    "a JPEG of which half is missing": Bad(SOUND[JPEG][: len(SOUND[JPEG]) // 2] + b"\xff\xd9", JPEG.media_type),
    "a PNG without its last pixels": Bad(SOUND[PNG][:-20], PNG.media_type),
}
"""Quoted, because nothing is decoded without a payment."""


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_without_payment_it_gets_no_quote(buyer_for: Callable[[Way], PurchaseClient], bad: Bad) -> None:
    answer = await buyer_for("x402 v2").post(bad.body, {"Content-Type": bad.content_type}, bad.query)
    assert_refused(answer, bad.status, bad.code)
    assert ("Accept-Post" in answer.headers) == (bad.status == 415)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bad", (every := BAD | SHOWN_BY_DECODING).values(), ids=every)
async def test_with_payment_it_is_not_charged(buyer_for: Callable[[Way], PurchaseClient], way: Way, bad: Bad) -> None:
    buyer = buyer_for(way)
    payment = await buyer.sign(b"")
    answer = await buyer.post(bad.body, {"Content-Type": bad.content_type, **payment}, bad.query)
    assert_refused(answer, bad.status, bad.code)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", "image/png"), (b"", ""), (b"{}", JSON), (multipart(part("size", "full")), MULTIPART)],
    ids=["png", "none", "json", "form"],
)
async def test_a_question_without_a_picture_is_answered_with_the_price(
    buyer_for: Callable[[Way], PurchaseClient], body: bytes, content_type: str
) -> None:
    answer = await buyer_for("x402 v2").post(body, {"Content-Type": content_type})
    assert_refused(answer, 402, "payment_required")


@pytest.mark.parametrize("way", WAYS)
async def test_a_payment_without_a_picture_is_not_charged(buyer_for: Callable[[Way], PurchaseClient], way: Way) -> None:
    buyer = buyer_for(way)
    payment = await buyer.sign(b"")
    assert_refused(await buyer.post(b"", payment), 400, "invalid_image")
    json = await buyer.post(b"{}", {"Content-Type": "application/json", **payment})
    assert_refused(json, 400, "invalid_image")


@pytest.mark.parametrize("way", [None, "x402 v2", "mpp"], ids=["unpaid", "x402", "mpp"])
async def test_a_declared_length_over_the_limit_is_refused_before_the_body_is_sent(
    buyer_for: Callable[[Way], PurchaseClient], way: Way | None
) -> None:
    buyer = buyer_for(way or "x402 v2")
    payment = await buyer.sign(b"") if way else {}
    fields = {"Host": "cut.example", "X-Forwarded-For": buyer.address, "Expect": "100-continue", **payment}
    fields |= {"Content-Type": JPEG.media_type, "Content-Length": str(TOO_MANY_BYTES)}
    lines = [f"POST {ROUTE} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    answer = await answer_to(buyer.service.url, "\r\n".join(lines).encode())
    assert_refused(answer, 413, "upload_too_large")


@pytest.mark.parametrize("way", ["x402 v2", "mpp"], ids=["x402", "mpp"])
async def test_a_stream_without_a_length_is_refused_at_the_limit(
    buyer_for: Callable[[Way], PurchaseClient], way: Way
) -> None:
    buyer = buyer_for(way)
    assert_refused(await buyer.post(_stream(), await buyer.sign(b"")), 413, "upload_too_large")


async def test_of_an_unpaid_stream_only_the_beginning_counts(buyer_for: Callable[[Way], PurchaseClient]) -> None:
    assert_refused(await buyer_for("x402 v2").post(_stream(), {}), 400, "invalid_image")
    assert_refused(
        await buyer_for("x402 v2").post(_stream(SOUND[PNG][:200]), {"Content-Type": "image/png"}),
        402,
        "payment_required",
    )


async def _stream(first: bytes = b"") -> AsyncIterator[bytes]:
    yield first
    for _ in range(TOO_MANY_BYTES // 100_000):
        yield bytes(100_000)
