import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from api.config import UploadLimits
from api.form import BODY_TYPES
from api.pricing import PATH
from tests.api.storefront import Storefront, open_storefront, picture

KILO = UploadLimits(max_bytes=10_000)


class Stream:
    """A body in pieces of 1000 bytes without a declared length; counts the pieces that were taken."""

    def __init__(self, pieces: int, first: bytes = b"") -> None:
        self.pieces = pieces
        self.taken = 0
        self.first = first

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number in range(self.pieces):
            self.taken += 1
            yield b"x" * 1000 if number or not self.first else self.first


async def in_pieces(body: bytes, size: int = 100) -> AsyncIterator[bytes]:
    """A body without a declared length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_a_declared_length_over_the_limit_is_refused_with_the_limit(storefront: Storefront) -> None:
    answer = await storefront.post(b"x", Content_Length="26000000")
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    assert "25000000" in answer.json()["detail"]


async def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not(tmp_path: Path) -> None:
    body = picture()
    async with open_storefront(tmp_path, limits=UploadLimits(max_bytes=len(body))) as storefront:
        assert (await storefront.post(body)).status_code == 402
        assert (await storefront.post(body + b"\0")).status_code == 413


async def test_a_stream_over_the_limit_is_left_at_the_limit(tmp_path: Path) -> None:
    stream = Stream(pieces=1000)
    async with open_storefront(tmp_path, limits=KILO) as storefront:
        answer = await storefront.post(aiter(stream))
    assert answer.status_code == 413
    assert stream.taken == 11


async def test_a_picture_may_come_without_a_declared_length(storefront: Storefront) -> None:
    assert (await storefront.post(in_pieces(picture()))).status_code == 402
    assert (await storefront.post(in_pieces(picture()), coin="coin-1")).status_code == 200


async def test_a_stream_of_an_unsupported_type_is_left_at_its_first_bytes(storefront: Storefront) -> None:
    stream = Stream(pieces=1000)
    answer = await storefront.post(aiter(stream), Content_Type="video/mp4")
    assert (answer.status_code, stream.taken) == (415, 1)


@pytest.mark.parametrize("content_type", ["image/gif", "text/plain", "multipart/mixed", "image/jpeg, image/png", "*/*"])
async def test_an_unsupported_type_is_answered_with_the_supported_ones(
    storefront: Storefront, content_type: str
) -> None:
    answer = await storefront.post(picture(), Content_Type=content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["Accept-Post"] == ", ".join(BODY_TYPES)


@pytest.mark.parametrize("content_type", ["image/jpeg", "IMAGE/JPEG", "image/jpeg; charset=binary", " image/jpeg "])
async def test_a_type_may_come_in_any_case_and_with_parameters(storefront: Storefront, content_type: str) -> None:
    assert (await storefront.post(picture(), Content_Type=content_type)).status_code == 402


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?format=gif", "unknown_format"),
        ("?format=", "unknown_format"),
        ("?format=PNG", "unknown_format"),
        ("?format=png&format=webp", "unknown_format"),
        ("?format=png&format=png", "unknown_format"),
        ("?fromat=webp", "bad_request"),
        ("?format=png&size=large", "invalid_option"),
    ],
)
@pytest.mark.parametrize("coin", [None, "coin-1"])
async def test_a_query_we_do_not_understand_is_refused_paid_or_not(
    storefront: Storefront, query: str, code: str, coin: str | None
) -> None:
    """Probes without a picture are refused as well: what they would pay for is not for sale."""
    answer = await storefront.post(b"" if coin is None else picture(), coin=coin, query=query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert storefront.rail.moved == []


async def test_a_body_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield picture()[:10]
        await asyncio.sleep(60)

    async with open_storefront(tmp_path, limits=UploadLimits(receive_timeout_s=0.05)) as storefront:
        answer = await storefront.post(stuck())
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (408, "upload_timeout", True)


async def test_a_body_that_stands_still_is_not_waited_for_to_the_end(tmp_path: Path) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield picture()[:10]
        await asyncio.sleep(60)

    async with open_storefront(tmp_path, limits=UploadLimits(pace_window_s=0.05)) as storefront:
        answer = await storefront.post(stuck())
    assert (answer.status_code, answer.json()["code"]) == (408, "upload_timeout")


async def test_a_body_that_comes_slowly_is_waited_for_as_long_as_it_comes(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]
            await asyncio.sleep(0.05)

    body = picture()
    async with open_storefront(tmp_path, limits=UploadLimits(pace_bytes_s=100, pace_window_s=0.2)) as storefront:
        assert len(body) > 500, "longer than a window"
        assert (await storefront.post(slow())).status_code == 402


async def test_of_an_unpaid_picture_the_beginning_is_taken(storefront: Storefront) -> None:
    """And of a paid one everything: the quote's name for the purchase is the same."""
    stream = Stream(pieces=1000, first=picture())
    assert (await storefront.post(aiter(stream))).status_code == 402
    assert 60 < stream.taken < 70
    paid = Stream(pieces=1000, first=picture())
    assert (await storefront.post(aiter(paid), coin="coin-1")).status_code == 200
    assert paid.taken == 1000


async def test_a_beginning_is_judged_as_far_as_it_goes(storefront: Storefront) -> None:
    """What ends a file too early is not held against its beginning; what is wrong already is."""
    large = picture("PNG")[:40] + b"\0" * 100_000
    assert (await storefront.post(large, Content_Type="image/png")).status_code == 402
    assert (await storefront.post(large[:60_000], Content_Type="image/png")).status_code == 400
    assert (await storefront.post(b"no picture" * 10_000, Content_Type="image/png")).status_code == 400
    assert (await storefront.post(large, coin="coin-1", Content_Type="image/png")).status_code == 400


async def test_a_query_of_many_parameters_is_not_read(storefront: Storefront) -> None:
    answer = await storefront.post(picture(), query="?format=png" + "&format=png" * 32)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_an_upload_that_is_broken_off_counts_as_unpaid(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield picture()[:100]
        await asyncio.sleep(60)

    async with open_storefront(tmp_path, per_minute=2, limits=UploadLimits(receive_timeout_s=0.02)) as storefront:
        assert [(await storefront.post(broken())).status_code for _ in range(3)] == [408, 408, 429]


async def test_a_client_that_hangs_up_ends_its_request_quietly(tmp_path: Path) -> None:
    """Nothing is answered, nothing is raised, and it counts: it held what others wait for."""
    async with open_storefront(tmp_path, per_minute=2) as storefront:
        for _ in range(2):
            assert await hung_up(storefront) == []
        assert (await storefront.post(picture())).status_code == 429


async def hung_up(storefront: Storefront) -> list[MutableMapping[str, Any]]:
    """What is sent to a client that hangs up within its body."""
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(b"host", b"cutouts.example.com"), (b"content-type", b"image/jpeg")],
        "client": ("203.0.113.7", 4711),
        "server": ("cutouts.example.com", 443),
        "scheme": "https",
    }
    await storefront.app(scope, receive, send)
    return sent


async def test_uploads_under_way_are_bounded_together(tmp_path: Path) -> None:
    """What does not fit is sent away for now, and what was held is let go when its request ends."""
    body = picture()
    halfway, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield body[:-1]
        halfway.set()
        await go_on.wait()
        yield body[-1:]

    async with open_storefront(tmp_path, limits=UploadLimits(max_bytes_in_flight=len(body) + 10)) as storefront:
        first = asyncio.create_task(storefront.post(slow()))
        await halfway.wait()
        refused = await storefront.post(body)
        go_on.set()
        assert (await first).status_code == 402
        later = await storefront.post(body)
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "overloaded", "5")
    assert later.status_code == 402
