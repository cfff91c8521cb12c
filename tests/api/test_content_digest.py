"""`Content-Digest`: a body that was damaged on its way is neither quoted nor sold."""

import base64
import hashlib

import pytest

from tests.api.storefront import Storefront, picture

PICTURE = picture()


def _sha(number: int, body: bytes = PICTURE) -> str:
    digest = base64.b64encode(hashlib.new(f"sha{number}", body).digest()).decode()
    return f"sha-{number}=:{digest}:"


@pytest.mark.parametrize("digest", [_sha(256), _sha(512), f"{_sha(512)}, {_sha(256)}", f"md5=:AA==:,{_sha(256)}"])
async def test_a_body_that_matches_is_sold(storefront: Storefront, digest: str) -> None:
    answer = await storefront.post(PICTURE, coin="a", Content_Digest=digest)
    assert answer.status_code == 200


@pytest.mark.parametrize("paid", [False, True], ids=["unpaid", "paid"])
@pytest.mark.parametrize("digest", [_sha(256, b"other"), f"{_sha(256)}, {_sha(512, b'other')}", "sha-256=::"])
async def test_a_body_that_differs_is_refused_and_not_charged(storefront: Storefront, digest: str, paid: bool) -> None:
    answer = await storefront.post(PICTURE, coin="a" if paid else None, Content_Digest=digest)
    assert (answer.status_code, answer.json()["code"], answer.json()["charged"]) == (400, "bad_request", False)
    assert "sha-" in answer.json()["detail"]
    assert storefront.rail.moved == []


@pytest.mark.parametrize("digest", ["abc", "sha-256=abc", "sha-256=:a b:", "SHA-256=:AA==:"])
async def test_a_field_that_cannot_be_read_is_refused(storefront: Storefront, digest: str) -> None:
    answer = await storefront.post(PICTURE, Content_Digest=digest)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert "RFC 9530" in answer.json()["detail"]


async def test_of_an_unpaid_body_only_the_beginning_is_taken_and_no_digest_compared(storefront: Storefront) -> None:
    body = PICTURE + bytes(200_000)
    assert (await storefront.post(body, Content_Digest=_sha(256))).status_code == 402
