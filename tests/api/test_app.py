"""What a request passes, and in which order it is judged."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.config import UploadLimits
from api.pricing import PATH, REMOVE_BG_PATH
from errors import Overloaded
from imaging import Pixels
from tests.api.storefront import OFFER, SMALL, Storefront, open_storefront, picture
from tests.fakes.rails import Outcome, ScriptedRail


class Unread:
    """A body that must not be read."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError("the body was read")


async def test_an_unpaid_picture_gets_a_problem_that_carries_the_quote(storefront: Storefront) -> None:
    answer = await storefront.post(picture())
    assert answer.status_code == 402
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"] == 'x price="0.05"'
    assert "x-receipt" not in answer.headers
    body = answer.json()
    assert body["x"] == {"url": "https://cutouts.example.com/v1/remove-background", "rejection": None}
    assert (body["status"], body["code"], body["charged"]) == (402, "payment_required", False)
    assert body["request_id"] == answer.headers["X-Request-Id"]


async def test_every_rail_quotes_in_one_answer(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, rails=(ScriptedRail("x"), ScriptedRail("y"))) as storefront:
        answer = await storefront.post(picture())
    assert answer.headers.get_list("WWW-Authenticate") == ['x price="0.05"', 'y price="0.05"']


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"", {}), (b"", {"Content-Type": ""}), (b"{}", {"Content-Type": "application/json; charset=utf-8"})],
)
async def test_a_probe_without_a_picture_gets_the_quote(
    storefront: Storefront, body: bytes, headers: dict[str, str]
) -> None:
    answer = await storefront.client.post(PATH, content=body, headers=headers)
    assert answer.status_code == 402


async def test_an_unpaid_picture_that_could_never_succeed_gets_no_quote(storefront: Storefront) -> None:
    answer = await storefront.post(picture("PNG"))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_image")
    assert "WWW-Authenticate" not in answer.headers


async def test_an_address_over_its_limit_is_refused_before_its_headers_and_body(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, per_minute=1) as storefront:
        await storefront.post()
        answer = await storefront.post(Unread(), query="?format=bmp", Content_Length="99000000")
    assert answer.status_code == 429


async def test_query_and_size_are_judged_before_the_body_is_read(storefront: Storefront) -> None:
    query = await storefront.post(Unread(), query="?format=bmp", Content_Length="99000000")
    size = await storefront.post(Unread(), Content_Length="99000000")
    assert (query.status_code, size.status_code) == (400, 413)


async def test_an_unreadable_payment_is_refused_before_the_picture_is_judged(storefront: Storefront) -> None:
    answer = await storefront.post(b"no picture", X_PAYMENT="button")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_payment")


async def test_two_payments_are_refused(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, rails=(ScriptedRail("x"), ScriptedRail("y"))) as storefront:
        answer = await storefront.post(picture(), coin="coin-1", Y_PAYMENT="coin-2 signed")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_payment")


async def test_a_known_payment_is_looked_up_before_the_picture_is_judged(storefront: Storefront) -> None:
    await storefront.post(picture(), coin="coin-1")
    answer = await storefront.post(b"no picture", coin="coin-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_used")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "image/jpeg", 400),
        (b"no picture", "image/jpeg", 400),
        (b"{}", "application/json", 400),
        (b"GIF89a", "image/gif", 415),
    ],
)
async def test_a_paid_picture_is_judged_before_its_payment(
    storefront: Storefront, body: bytes, content_type: str, status: int
) -> None:
    answer = await storefront.post(body, coin="coin-1", Content_Type=content_type)
    assert (answer.status_code, answer.json()["charged"]) == (status, False)
    assert (storefront.rail.called("verify"), storefront.rail.moved) == (0, [])


async def test_a_payment_is_rejected_with_its_reason_and_a_fresh_quote(storefront: Storefront) -> None:
    storefront.rail.verifying = [Outcome.REFUSED]
    answer = await storefront.post(picture(), coin="coin-1")
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (402, "payment_rejected", "refused")
    assert body["x"]["rejection"] == "refused"
    assert answer.headers["WWW-Authenticate"] == 'x price="0.05"'
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_failed_picture_is_not_charged_and_its_payment_still_good(tmp_path: Path) -> None:
    broken = True

    async def sometimes(image: Pixels) -> Pixels:
        if broken:
            raise Overloaded("The queue is full.")
        return image[..., 0]

    async with open_storefront(tmp_path, infer=sometimes) as storefront:
        first = await storefront.post(picture(), coin="coin-1")
        settled = list(storefront.rail.moved)
        broken = False
        second = await storefront.post(picture(), coin="coin-1")
    assert (first.status_code, first.json()["charged"], settled) == (503, False, [])
    assert second.status_code == 200


async def test_a_payment_sent_again_brings_the_same_picture_without_a_second_charge(storefront: Storefront) -> None:
    first = await storefront.post(picture(), coin="coin-1")
    again = await storefront.post(picture(), coin="coin-1")
    assert again.status_code == 200
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["x-receipt"] == first.headers["x-receipt"]
    assert again.content == first.content
    assert len(storefront.rail.moved) == 1


async def test_other_parameters_need_another_payment(storefront: Storefront) -> None:
    await storefront.post(picture(), coin="coin-1")
    answer = await storefront.post(picture(), coin="coin-1", query="?format=webp")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_used")


async def test_a_model_update_does_not_forfeit_a_paid_picture(tmp_path: Path) -> None:
    async with open_storefront(tmp_path) as storefront:
        await storefront.post(picture(), coin="coin-1")
    updated = replace(OFFER, models=(replace(SMALL, name="newer", label="newer 0123abcd"),))
    async with open_storefront(tmp_path, offer=updated) as storefront:
        answer = await storefront.post(picture(), coin="coin-1")
    assert (answer.status_code, answer.headers["X-Model"]) == (200, "newer 0123abcd")
    assert answer.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("path", ["/nope", "/v1", f"{PATH}/", "/docs", "/v1/other"])
async def test_an_unknown_path_is_a_problem(storefront: Storefront, path: str) -> None:
    answer = await storefront.client.post(path)
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"], body["charged"]) == (404, 404, "not_found", False)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "PROPFIND"])
async def test_the_paid_route_names_its_method_and_counts_no_visit_with_another(
    storefront: Storefront, method: str
) -> None:
    answer = await storefront.client.request(method, PATH)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert "RateLimit" not in answer.headers
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_document_names_its_methods(storefront: Storefront) -> None:
    answer = await storefront.client.post("/openapi.json")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (PATH, "OPTIONS, POST"),
        (REMOVE_BG_PATH, "OPTIONS, POST"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_options_names_the_methods_of_a_path(storefront: Storefront, path: str, methods: str) -> None:
    answer = await storefront.client.options(path)
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, methods, b"")
    assert "RateLimit" not in answer.headers


async def test_options_of_an_unknown_path_is_not_found(storefront: Storefront) -> None:
    assert (await storefront.client.options("/nowhere")).status_code == 404


async def test_a_web_page_may_buy_and_read_what_it_bought(storefront: Storefront) -> None:
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "payment-signature, content-type, access-control-expose-headers",
    }
    preflight = await storefront.client.options(PATH, headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "payment-signature" in preflight.headers["Access-Control-Allow-Headers"]
    for answer in (await storefront.post(Origin=asked["Origin"]), await storefront.post(b"?", Origin=asked["Origin"])):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert {"WWW-Authenticate", "PAYMENT-REQUIRED"} <= set(
            answer.headers["Access-Control-Expose-Headers"].split(", ")
        )


@pytest.mark.parametrize(("trusted", "statuses"), [((), [402, 429]), (("203.0.113.0/24",), [402, 402])])
async def test_a_forwarded_address_counts_only_behind_a_trusted_proxy(
    tmp_path: Path, trusted: tuple[str, ...], statuses: list[int]
) -> None:
    async with open_storefront(tmp_path, per_minute=1, trusted_proxies=trusted) as storefront:
        answers = [await storefront.post(X_Forwarded_For=address) for address in ("198.51.100.1", "198.51.100.2")]
    assert [answer.status_code for answer in answers] == statuses


async def test_no_answer_of_ours_shows_what_broke_behind_it(tmp_path: Path) -> None:
    async def broken(image: Pixels) -> Pixels:
        raise RuntimeError("cannot reach https://rpc.example.com/marked-key from /srv/marked/client.py")

    async with open_storefront(tmp_path, infer=broken) as storefront:
        answer = await storefront.post(picture(), coin="coin-1")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (500, "internal_error", True)
    assert answer.json()["charged"] is False
    assert storefront.rail.moved == []
    assert "marked" not in answer.text + str(answer.headers)


async def test_a_doubt_about_the_money_is_never_a_second_bill(storefront: Storefront) -> None:
    storefront.rail.settling = [Outcome.REPLY_LOST]
    doubt = await storefront.post(picture(), coin="coin-1")
    assert (doubt.status_code, doubt.json()["charged"]) == (503, True)
    assert "WWW-Authenticate" not in doubt.headers
    assert int(doubt.headers["Retry-After"]) > 0
    assert (await storefront.post(picture(), coin="coin-1")).status_code == 200
    assert storefront.rail.moved == ["coin-1"]


async def test_a_storefront_can_be_smaller(tmp_path: Path) -> None:
    """The limits are the operator's."""
    async with open_storefront(tmp_path, limits=UploadLimits(max_side=47)) as storefront:
        answer = await storefront.post(picture(size=(48, 32)))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_image")
