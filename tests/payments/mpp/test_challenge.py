"""Challenges are those of the SDK, byte for byte."""

import mpp
import pytest
from mpp.server.http import Request

from payments.mpp.challenge import asked, issue, scope_of
from payments.mpp.pull import INTENT, METHOD, charge_request

ASKED = {"amount": "0.05", "currency": "0x20C0" + "0" * 36, "recipient": "0x" + "aB" * 20, "chain_id": 42431}
EXPIRES = "2026-11-30T08:12:45.123456+00:00"


@pytest.mark.parametrize("url", ["http://a.example/v1/remove-background", "https://b.example:81/x?format=webp&a=%22ä"])
@pytest.mark.parametrize("digest", [None, mpp.BodyDigest.compute(b"picture")])
@pytest.mark.parametrize("realm", ["pictures.example.com", 'a "quoted" \\ one', "ümlaut"])
@pytest.mark.parametrize("meta", [{"nonce": "01"}, {"nonce": "01", "ledger": "né"}])
def test_is_the_sdk_s(url: str, digest: str | None, realm: str, meta: dict[str, str]) -> None:
    theirs = mpp.Challenge.create(
        secret_key="secret",
        realm=realm,
        method=METHOD,
        intent=INTENT,
        request={**charge_request(**ASKED), "_mppx_scope": Request("POST", url).scope()},
        expires=EXPIRES,
        digest=digest,
        meta=meta,
    )
    request = asked(**ASKED, method="POST", url=url)
    ours = issue(request, secret="secret", realm=realm, expires=EXPIRES, digest=digest, meta=meta)
    assert (ours.id, ours.field) == (theirs.id, theirs.to_www_authenticate(realm))


def test_another_resource_is_asked_for_in_other_words() -> None:
    """What is remembered of one quote is not taken for another."""
    urls = ["http://a.example/x", "http://a.example/y", "http://a.example/x?q=1"]
    assert len({asked(**ASKED, method="POST", url=url) for url in urls}) == len(urls)
    assert len({asked(**{**ASKED, "amount": amount}, method="POST", url=urls[0]) for amount in ("1", "2")}) == 2
    assert scope_of("POST", urls[2]) == {"http_method": "POST", "resource": "/x", "query": "q=1"}
