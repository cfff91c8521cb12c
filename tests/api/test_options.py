"""What the query may ask of a picture, and what it may not."""

import io
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.datastructures import QueryParams

from api.options import OPTIONS, read_wish
from errors import BadRequest
from imaging import Channels, Crop, ImageFormat, Length, Output, Pixels
from tests.api.storefront import Storefront, open_storefront, picture

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
WHITE = (255, 255, 255)
TENTH = Length(0.1, is_share=True)


def formats(query: str) -> list[ImageFormat]:
    return [each.format for each in read_wish(QueryParams(query)).outputs]


def only(query: str) -> Output:
    return read_wish(QueryParams(query)).outputs[0]


@pytest.mark.parametrize(
    ("query", "output"),
    [
        ("", Output()),
        ("format=webp&quality=75", Output(WEBP, quality=75)),
        ("format=jpeg&bg_color=white&quality=1", Output(JPEG, quality=1, background=WHITE)),
        ("format=jpeg&channels=alpha", Output(JPEG, channels=Channels.ALPHA)),
        ("bg_color=fff", Output(background=WHITE)),
        ("bg_color=%23FFFFFF", Output(background=WHITE)),
        ("bg_color=RebeccaPurple", Output(background=(0x66, 0x33, 0x99))),
        ("crop=true", Output(crop=Crop())),
        ("crop=true&crop_margin=10%25", Output(crop=Crop(TENTH, TENTH, TENTH, TENTH))),
        ("crop=true&crop_margin=10%25+30px", Output(crop=Crop(TENTH, Length(30), TENTH, Length(30)))),
        ("crop=true&crop_margin=1px 2px 3px 4px", Output(crop=Crop(*map(Length, (1, 2, 3, 4))))),
        ("max_side=1024", Output(max_side=1024)),
        ("size=preview", Output(max_pixels=250_000)),
        ("size=auto", Output()),
        ("size=full&channels=rgba&crop=false&model=small", Output()),
    ],
)
def test_options_are_read(query: str, output: Output) -> None:
    assert only(query) == output


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("format=jpg", "png, webp, jpeg"),
        ("format=jpeg", "bg_color"),
        ("format=png&quality=80", "lossless"),
        ("quality=0", "from 1 to 100"),
        ("quality=101", "from 1 to 100"),
        ("quality=8.5", "from 1 to 100"),
        ("quality=٨٠", "from 1 to 100"),
        ("quality=", "from 1 to 100"),
        ("quality=80&quality=90", "once"),
        ("channels=rgb", "rgba, alpha"),
        ("channels=alpha&bg_color=white", "no effect"),
        ("bg_color=", "hexadecimal"),
        ("bg_color=whitish", "hexadecimal"),
        ("bg_color=12345", "hexadecimal"),
        ("bg_color=ffffff80", "hexadecimal"),
        ("bg_color=rgb(1,2,3)", "hexadecimal"),
        ("crop=yes", "false, true"),
        ("crop_margin=10px", "crop=true"),
        ("crop=false&crop_margin=10px", "crop=true"),
        ("crop=true&crop_margin=51%25", "50%"),
        ("crop=true&crop_margin=501px", "500px"),
        ("crop=true&crop_margin=10", "500px"),
        ("crop=true&crop_margin=-1px", "500px"),
        ("crop=true&crop_margin=", "one, two or four"),
        ("crop=true&crop_margin=1px 2px 3px", "one, two or four"),
        ("crop=true&crop_margin=" + "1px " * 5, "one, two or four"),
        ("max_side=15", "from 16 to 10000"),
        ("max_side=10001", "from 16 to 10000"),
        ("max_side=99999999999999999999", "from 16 to 10000"),
        ("size=huge", "auto, full, preview"),
        ("shadow=true", "Accepted: format, quality"),
        ("Format=png", "Accepted: format, quality"),
    ],
)
async def test_what_is_not_offered_is_refused_with_what_is(storefront: Storefront, query: str, fault: str) -> None:
    """Paid or not, and nothing is charged."""
    for coin in (None, "coin-1"):
        answer = await storefront.post(picture(), coin=coin, query=f"?{query}")
        assert answer.status_code == 400, answer.text
        assert fault in answer.json()["detail"]
        assert answer.json()["charged"] is False
    assert storefront.rail.moved == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [PNG, WEBP]),
        ("quality=80", [WEBP]),
        ("bg_color=white", [PNG, WEBP, JPEG]),
        ("bg_color=white&quality=80", [WEBP, JPEG]),
        ("channels=alpha", [PNG, WEBP, JPEG]),
        ("format=png", [PNG]),
    ],
)
def test_accept_chooses_among_the_formats_that_suit(query: str, expected: list[ImageFormat]) -> None:
    assert formats(query) == expected


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ("", "image/jpeg", None),
        ("?bg_color=white", "image/jpeg", "image/jpeg"),
        ("?bg_color=white", "image/*", "image/png"),
        ("?quality=80", "image/*", "image/webp"),
        ("?quality=80", "image/png", None),
        ("?format=jpeg&bg_color=white", "image/png", "image/jpeg"),
    ],
)
async def test_an_answer_that_accept_does_not_take_is_not_sold(
    storefront: Storefront, query: str, accept: str, media_type: str | None
) -> None:
    answer = await storefront.post(picture(), coin="coin-1", query=query, Accept=accept)
    assert answer.status_code == (406 if media_type is None else 200)
    assert media_type is None or answer.headers["Content-Type"] == media_type


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("size=full&crop=false&channels=rgba", ()),
        ("bg_color=%23FFF&format=webp", (("format", "webp"), ("bg_color", "ffffff"))),
        ("bg_color=White&format=webp", (("format", "webp"), ("bg_color", "ffffff"))),
        ("crop_margin=010%25&crop=true", (("crop", "true"), ("crop_margin", "10% 10% 10% 10%"))),
        ("crop_margin=1px+2px&crop=true", (("crop", "true"), ("crop_margin", "1px 2px 1px 2px"))),
        ("max_side=0512", (("max_side", "512"),)),
    ],
)
def test_one_wish_is_written_in_one_way(query: str, named: tuple[tuple[str, str], ...]) -> None:
    """So that the same picture is the same purchase, however it was asked for."""
    assert read_wish(QueryParams(query)).named == named


@pytest.mark.parametrize("name", OPTIONS)
def test_what_is_written_is_read_again_as_the_same(name: str) -> None:
    beside = {"crop_margin": "&crop=true"}.get(name, "")
    wish = read_wish(QueryParams(f"{name}={quote(OPTIONS[name].example)}{beside}"))
    assert read_wish(QueryParams(list(wish.named))) == wish


async def test_options_are_part_of_what_was_bought(storefront: Storefront) -> None:
    """The same payment with other options asks for something else; with the same ones, however written, it does not."""
    body = picture()
    assert (await storefront.post(body, coin="coin-1", query="?bg_color=white&max_side=20")).status_code == 200
    again = await storefront.post(body, coin="coin-1", query="?max_side=020&bg_color=FFF")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    for other in ("", "?bg_color=white", "?bg_color=black&max_side=20", "?format=webp&bg_color=white&max_side=20"):
        refused = await storefront.post(body, coin="coin-1", query=other)
        assert (refused.status_code, refused.json()["code"]) == (409, "payment_used"), other
    assert storefront.rail.moved == ["coin-1"]


async def test_the_format_that_was_bought_comes_again_whatever_accept_says(storefront: Storefront) -> None:
    body, query = picture(), "?bg_color=white"
    first = await storefront.post(body, coin="coin-1", query=query, Accept="image/jpeg")
    again = await storefront.post(body, coin="coin-1", query=query, Accept="image/png")
    assert again.headers["Content-Type"] == "image/jpeg"
    assert again.content == first.content


async def test_the_quote_names_the_options(storefront: Storefront) -> None:
    quoted = await storefront.post(picture(), query="?format=webp&bg_color=White&crop=true&crop_margin=10%25")
    assert quoted.json()["x"]["url"] == (
        "https://cutouts.example.com/v1/remove-background"
        "?format=webp&bg_color=ffffff&crop=true&crop_margin=10%25%2010%25%2010%25%2010%25"
    )


async def left_half(image: Pixels) -> Pixels:
    """A model that sees foreground on the left."""
    alpha = np.zeros(image.shape[:2], np.uint8)
    alpha[:, : image.shape[1] // 2] = 255
    return alpha


async def bought(storefront: Storefront, query: str) -> httpx.Response:
    answer = await storefront.post(picture(size=(480, 320)), coin="coin-1", query=query)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("PNG", "RGBA", (480, 320))),
        ("?format=jpeg&bg_color=white", ("JPEG", "RGB", (480, 320))),
        ("?bg_color=white", ("PNG", "RGB", (480, 320))),
        ("?channels=alpha", ("PNG", "L", (480, 320))),
        ("?max_side=100", ("PNG", "RGBA", (100, 66))),
        ("?size=preview", ("PNG", "RGBA", (480, 320))),
    ],
)
async def test_the_result_is_as_ordered(tmp_path: Any, query: str, expected: object) -> None:
    async with open_storefront(tmp_path, infer=left_half) as storefront:
        answer = await bought(storefront, query)
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (image.format, image.mode, image.size) == expected
        assert (answer.headers["X-Width"], answer.headers["X-Height"]) == tuple(map(str, image.size))


async def test_the_subject_is_cut_out_where_the_headers_say(tmp_path: Any) -> None:
    async with open_storefront(tmp_path, infer=left_half) as storefront:
        answer = await bought(storefront, "?crop=true&crop_margin=5px")
    left, top, width, height = (
        int(answer.headers[f"X-Foreground-{name}"]) for name in ("Left", "Top", "Width", "Height")
    )
    assert (left, top, height) == (0, 0, 320)
    assert 225 <= width <= 255
    assert (answer.headers["X-Width"], answer.headers["X-Height"]) == (f"{width + 10}", "330")


def test_every_refusal_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        only("quality=x")
