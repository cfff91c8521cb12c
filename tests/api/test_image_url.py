"""A picture that is only named: fetched once its payment is verified, and what is bought is what was found."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from api.config import FetchConfig, UploadLimits
from tests.api.bodies.forms import JSON, MULTIPART, as_json, file_part, multipart, part
from tests.api.storefront import Storefront, open_storefront, picture
from tests.fakes.picture_host import PictureHost
from tests.fakes.rails import Outcome

PICTURE, OTHER = picture(), picture(size=(40, 40))


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with PictureHost(PICTURE).open() as host:
        yield host


def fetching(host: PictureHost) -> FetchConfig:
    """Settings under which the host is fetched from."""
    return FetchConfig(ports=(host.port,), networks=("127.0.0.0/8",), timeout_s=2)


@pytest.fixture
async def selling(tmp_path: Path, host: PictureHost) -> AsyncIterator[Storefront]:
    async with open_storefront(tmp_path, fetch=fetching(host)) as storefront:
        yield storefront


async def buy(storefront: Storefront, url: str, coin: str | None = "a", **headers: str) -> httpx.Response:
    """Send a URL in JSON."""
    return await storefront.post(json.dumps({"image_url": url}).encode(), coin=coin, Content_Type=JSON, **headers)


async def test_a_quote_fetches_nothing_and_a_payment_does(selling: Storefront, host: PictureHost) -> None:
    assert (await buy(selling, host.photo, coin=None)).status_code == 402
    assert host.asked == []
    bought = await buy(selling, host.photo)
    assert (bought.status_code, bought.headers["X-Width"], host.asked) == (200, "48", ["photo"])
    assert len(selling.rail.moved) == 1


async def test_a_form_may_name_a_url_as_well(selling: Storefront, host: PictureHost) -> None:
    form = multipart(part("image_url", host.photo), file_part(b""), part("max_side", "16"))
    bought = await selling.post(form, coin="a", Content_Type=MULTIPART)
    assert (bought.status_code, bought.headers["X-Width"]) == (200, "16")


async def test_nothing_is_fetched_for_a_payment_that_is_refused(selling: Storefront, host: PictureHost) -> None:
    selling.rail.verifying = [Outcome.REFUSED]
    assert (await buy(selling, host.photo)).status_code == 402
    assert host.asked == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", "image_not_fetched"),
        ("page", "image_not_fetched"),
        ("page-as-picture", "invalid_image"),
        ("loop", "image_not_fetched"),
        ("short", "invalid_image"),
        ("empty", "invalid_image"),
    ],
)
async def test_what_cannot_be_fetched_is_not_charged(
    selling: Storefront, host: PictureHost, path: str, code: str
) -> None:
    refused = await buy(selling, f"{host.url}/{path}")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["charged"]) == (400, code, False)
    assert host.url not in problem["detail"]
    assert selling.rail.moved == []
    assert (await buy(selling, host.photo)).status_code == 200, "the same payment is still good"


async def test_a_picture_that_is_too_large_is_not_charged(tmp_path: Path, host: PictureHost) -> None:
    limits = UploadLimits(max_bytes=10_000)
    async with open_storefront(tmp_path, fetch=fetching(host), limits=limits) as storefront:
        refused = await buy(storefront, f"{host.url}/endless")
    assert (refused.status_code, refused.json()["charged"]) == (413, False)


async def test_what_is_fetched_counts_among_the_bytes_of_its_address(tmp_path: Path, host: PictureHost) -> None:
    limits = UploadLimits(max_bytes_per_address=100_000)
    async with open_storefront(tmp_path, fetch=fetching(host), limits=limits) as storefront:
        refused = await buy(storefront, f"{host.url}/endless")
        assert (refused.status_code, refused.json()["code"]) == (429, "uploads_limited")
        assert (await buy(storefront, host.photo)).status_code == 200, "and is let go when the request ends"


@pytest.mark.parametrize("coin", [None, "a"], ids=["unpaid", "paid"])
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "x", "http://a:22/"]
)
async def test_a_url_that_is_never_fetched_is_neither_quoted_nor_charged(
    selling: Storefront, url: str, coin: str | None
) -> None:
    refused = await buy(selling, url, coin)
    assert (refused.status_code, refused.json()["code"], refused.json()["charged"]) == (400, "image_not_fetched", False)
    assert selling.rail.called("verify") == 0


@pytest.mark.parametrize(
    "body",
    [
        multipart(part("image_url", "http://a/"), file_part(PICTURE)),
        multipart(file_part(PICTURE), part("image_url", "http://a/")),
        multipart(part("image_url", "http://a/"), part("image_url", "http://b/")),
    ],
)
async def test_a_url_beside_a_picture_is_refused(selling: Storefront, body: bytes) -> None:
    refused = await selling.post(body, coin="a", Content_Type=MULTIPART)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


async def test_the_same_payment_gets_the_same_picture_again(selling: Storefront, host: PictureHost) -> None:
    """By the URL as long as it leads there, and by the picture itself in any form."""
    bought = await buy(selling, host.photo)
    again = await buy(selling, host.photo)
    itself = await selling.post(PICTURE, coin="a")
    in_json = await selling.post(as_json(PICTURE), coin="a", Content_Type=JSON)
    for answer in (again, itself, in_json):
        assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (200, "true")
        assert answer.content == bought.content
    assert len(selling.rail.moved) == 1


async def test_a_url_that_has_changed_delivers_nothing_else_for_a_payment(
    selling: Storefront, host: PictureHost
) -> None:
    bought = await buy(selling, host.photo)
    host.content = OTHER
    changed = await buy(selling, host.photo)
    problem = changed.json()
    assert (changed.status_code, problem["code"], problem["charged"]) == (409, "picture_changed", True)
    host.content = b"nothing of the kind"
    assert (await buy(selling, host.photo)).json()["code"] == "picture_changed"
    itself = await selling.post(PICTURE, coin="a")
    assert (itself.status_code, itself.content) == (200, bought.content)
    assert len(selling.rail.moved) == 1


async def test_a_url_that_has_changed_is_not_even_asked_while_the_picture_is_in_memory(
    tmp_path: Path, host: PictureHost
) -> None:
    async with open_storefront(tmp_path, fetch=fetching(host), recent_bytes=1_000_000) as storefront:
        bought = await buy(storefront, host.photo)
        host.content = OTHER
        again = await buy(storefront, host.photo)
        assert (again.status_code, again.content, host.asked) == (200, bought.content, ["photo"])
        new = await buy(storefront, host.photo, coin="b")
        assert (new.status_code, new.headers["X-Width"]) == (200, "40"), "a new payment buys what is there now"
    assert len(storefront.rail.moved) == 2


async def test_a_payment_is_bound_to_its_url_and_picture(selling: Storefront, host: PictureHost) -> None:
    await buy(selling, host.photo)
    other = await selling.post(OTHER, coin="a")
    elsewhere = await buy(selling, f"{host.url}/short")
    bigger = await selling.post(
        json.dumps({"image_url": host.photo, "max_side": 16}).encode(), coin="a", Content_Type=JSON
    )
    for answer in (other, elsewhere, bigger):
        assert (answer.status_code, answer.json()["code"]) == (409, "payment_used")
    assert host.asked == ["photo"]


async def test_failed_fetches_for_a_payment_are_bounded(selling: Storefront, host: PictureHost) -> None:
    """Who has paid once cannot have a host asked for ever."""
    await buy(selling, host.photo)
    host.content = OTHER
    codes = [(await buy(selling, host.photo)).json()["code"] for _ in range(22)]
    assert codes == ["picture_changed"] * 20 + ["payment_used"] * 2
    assert len(host.asked) == 21


async def test_under_one_name_a_second_payment_gets_the_first_picture(selling: Storefront, host: PictureHost) -> None:
    bought = await buy(selling, host.photo, Idempotency_Key="one")
    again = await buy(selling, host.photo, coin="b", Idempotency_Key="one")
    assert (again.status_code, again.content) == (200, bought.content)
    host.content = OTHER
    changed = await buy(selling, host.photo, coin="c", Idempotency_Key="one")
    assert (changed.status_code, changed.json()["code"], changed.json()["charged"]) == (409, "picture_changed", False)
    assert len(selling.rail.moved) == 1
