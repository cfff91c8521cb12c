"""Signed receipts over HTTP: on the paid answer, by their id, and the keys that verify them."""

import hashlib
from pathlib import Path

import jwt

from payments.receipts.keys import ReceiptKey
from payments.receipts.signed import ReceiptSigner
from tests.api.storefront import SMALL, Storefront, open_storefront, picture

SIGNER = ReceiptSigner(ReceiptKey("11" * 32), issuer="https://cutouts.example.com")
UNKNOWN = "A" * 22


async def test_a_buyer_gets_a_receipt_that_anybody_can_verify(tmp_path: Path) -> None:
    sent = picture()
    async with open_storefront(tmp_path, signer=SIGNER) as shop:
        bought = await shop.post(sent, coin="coin")
        keys = jwt.PyJWKSet.from_dict((await shop.client.get("/.well-known/jwks.json")).json())
        found = (await shop.client.get(f"/v1/receipts/{bought.headers['X-Receipt-Id']}")).json()
        again = await shop.post(sent, coin="coin")
    claims = jwt.decode(bought.headers["X-Signed-Receipt"], keys.keys[0], algorithms=["EdDSA"])
    assert claims["input_sha256"] == hashlib.sha256(sent).hexdigest()
    assert claims["output_sha256"] == hashlib.sha256(bought.content).hexdigest()
    assert (claims["model"], claims["model_sha256"]) == (SMALL.name, SMALL.sha256)
    assert found == {"receipt": claims, "jws": bought.headers["X-Signed-Receipt"]}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Signed-Receipt"] == bought.headers["X-Signed-Receipt"]


async def test_a_receipt_is_for_whoever_has_its_id(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, signer=SIGNER) as shop:
        bought = await shop.post(picture(), coin="coin")
        found = await shop.client.get(f"/v1/receipts/{bought.headers['X-Receipt-Id']}")
        assert found.headers["Cache-Control"] == "private, no-store"
        for wrong in (UNKNOWN, "coin", "%00", "a" * 4000):
            missing = await shop.client.get(f"/v1/receipts/{wrong}")
            assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_no_refusal_has_a_receipt(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, signer=SIGNER) as shop:
        for answer in (await shop.post(picture()), await shop.post(b"no picture", coin="coin")):
            assert answer.status_code in {400, 402}
            assert "X-Signed-Receipt" not in answer.headers


async def test_without_a_key_nothing_is_offered(tmp_path: Path) -> None:
    async with open_storefront(tmp_path) as shop:
        bought = await shop.post(picture(), coin="coin")
        assert (bought.status_code, "X-Signed-Receipt" in bought.headers) == (200, False)
        for path in ("/.well-known/jwks.json", f"/v1/receipts/{UNKNOWN}"):
            assert (await shop.client.get(path)).status_code == 404
        assert await described(shop) == (False, False, False)


async def test_openapi_describes_what_is_offered(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, signer=SIGNER) as shop:
        assert await described(shop) == (True, True, True)


async def described(shop: Storefront) -> tuple[bool, bool, bool]:
    """Whether OpenAPI names the receipt's header and path, and llms.txt the receipt."""
    document = (await shop.client.get("/openapi.json")).json()
    headers = document["paths"]["/v1/remove-background"]["post"]["responses"]["200"]["headers"]
    guidance = (await shop.client.get("/llms.txt")).text
    return "X-Signed-Receipt" in headers, "/v1/receipts/{id}" in document["paths"], "/v1/receipts/" in guidance
