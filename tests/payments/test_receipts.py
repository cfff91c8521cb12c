"""Signed receipts: each claim is true, anybody can verify it, and it is the same whenever it is asked for."""

import hashlib
from typing import Any

import jwt
import pytest

from errors import PaymentOutcomeUnknown
from payments.rail import HeaderFields
from payments.receipts.keys import ReceiptKey, key_id, key_set
from payments.receipts.signed import ReceiptSigner
from tests.fakes.rails import PAYER, Outcome
from tests.fakes.seller import Seller, order
from tests.fakes.steps import Crash, Steps

ISSUER = "https://cut.example"
KEY, OTHER_KEY = ReceiptKey("11" * 32), ReceiptKey("22" * 32)
SETTLED = 7
"""The step in which a sale writes down that it was paid; see test_gate.py."""


@pytest.fixture
def signing(seller: Seller) -> Seller:
    seller.signer = ReceiptSigner(KEY, issuer=ISSUER)
    seller.gate = seller.open()
    return seller


def read(headers: HeaderFields, signer: ReceiptSigner) -> dict[str, Any]:
    """The claims of a receipt that another library than the service's has verified, with nothing but published keys."""
    return verified(dict(headers)["X-Signed-Receipt"], signer)


def verified(token: str, signer: ReceiptSigner) -> dict[str, Any]:
    keys = {each.key_id: each for each in jwt.PyJWKSet.from_dict(dict(signer.key_set)).keys}
    head = jwt.get_unverified_header(token)
    assert (head["alg"], head["typ"]) == ("EdDSA", "receipt+jwt")
    claims: dict[str, Any] = jwt.decode(token, keys[head["kid"]], algorithms=["EdDSA"], issuer=ISSUER)
    return claims


def test_keys_are_those_of_the_standard() -> None:
    """The key of RFC 8037, appendix A; its thumbprint stands in A.3 and its signature in A.4."""
    key = ReceiptKey("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert key.public == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert key.id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    signature = key.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
    assert signature.hex().startswith("860c98d2297f3060a33f4273967")


async def test_a_receipt_says_what_was_paid_for_what(signing: Seller) -> None:
    sale = await signing.send()
    claims = read(sale.receipt_headers, ReceiptSigner(KEY, issuer=ISSUER))
    assert claims == {
        "iss": ISSUER,
        "jti": dict(sale.receipt_headers)["X-Receipt-Id"],
        "settled_at": 1_800_000_000,
        "rail": "scripted",
        "network": "nowhere",
        "transaction": "0xpayment",
        "payer": PAYER,
        "amount": "50000",
        "currency": "0xcoin",
        "input_sha256": hashlib.sha256(order().body).hexdigest(),
        "output_sha256": hashlib.sha256(sale.delivery.body).hexdigest(),
        "model": "small",
    }


async def test_the_same_payment_has_the_same_receipt(signing: Seller) -> None:
    """On re-delivery by another process, by its id, and under an idempotency key with a payment that is not charged."""
    sale = await signing.send(key="mine")
    again = await signing.send(key="mine", gate=signing.open())
    other = await signing.send(key="mine", payment_id="other", fingerprint="other")
    assert again.replayed
    assert other.replayed
    receipt_id = dict(sale.receipt_headers)["X-Receipt-Id"]
    found = await signing.gate.receipt(receipt_id)
    assert found is not None
    tokens = {dict(each.receipt_headers)["X-Signed-Receipt"] for each in (sale, again, other)} | {found.token}
    assert len(tokens) == 1
    assert verified(found.token, ReceiptSigner(KEY, issuer=ISSUER)) == found.claims


async def test_ids_cannot_be_guessed(signing: Seller) -> None:
    sales = [await signing.send(payment_id=f"payment {n}", fingerprint=str(n)) for n in range(20)]
    ids = {dict(sale.receipt_headers)["X-Receipt-Id"] for sale in sales}
    assert len(ids) == 20
    assert {len(each) for each in ids} == {22}, "128 bits"
    assert await signing.gate.receipt("payment 1") is None


@pytest.mark.parametrize("lost", ["answer of the chain", "the process"])
async def test_a_sale_that_broke_off_has_the_receipt_of_what_was_made(signing: Seller, lost: str) -> None:
    """The chain alone knows that it was paid, but what was made had been written down before."""
    if lost == "the process":
        steps = Steps(SETTLED)
        with pytest.raises(Crash):
            await signing.send(gate=signing.open(steps), steps=steps)
        signing.leases_run_out()
    else:
        signing.rail.settling = [Outcome.REPLY_LOST]
        with pytest.raises(PaymentOutcomeUnknown):
            await signing.send()
    sale = await signing.send(gate=signing.open())
    assert sale.replayed
    claims = read(sale.receipt_headers, ReceiptSigner(KEY, issuer=ISSUER))
    assert claims["output_sha256"] == hashlib.sha256(sale.delivery.body).hexdigest()
    assert claims["transaction"] == "0xpayment"


async def test_old_receipts_are_verified_with_a_key_that_signs_no_more(signing: Seller) -> None:
    before = await signing.send()
    signing.signer = ReceiptSigner(OTHER_KEY, issuer=ISSUER, former=(KEY.public,))
    after = await signing.send(gate=signing.open())
    assert read(before.receipt_headers, signing.signer) == read(after.receipt_headers, signing.signer)
    assert jwt.get_unverified_header(dict(after.receipt_headers)["X-Signed-Receipt"])["kid"] == OTHER_KEY.id
    with pytest.raises(KeyError):
        read(before.receipt_headers, ReceiptSigner(OTHER_KEY, issuer=ISSUER))


async def test_a_changed_receipt_is_no_receipt(signing: Seller) -> None:
    token = dict((await signing.send()).receipt_headers)["X-Signed-Receipt"]
    head, claims, signature = token.split(".")
    forged = f"{head}.{claims[:-2]}{'AA' if claims[-2:] != 'AA' else 'BB'}.{signature}"
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, ReceiptSigner(KEY, issuer=ISSUER))


async def test_without_a_key_there_are_the_rails_receipts_only(seller: Seller) -> None:
    sale = await seller.send()
    assert dict(sale.receipt_headers).keys() == {"scripted-receipt"}
    entry = await seller.entry()
    assert entry is not None
    assert entry.sold is not None
    assert await seller.gate.receipt(entry.sold.receipt_id) is None


def test_a_key_is_published_once() -> None:
    keys = jwt.PyJWKSet.from_dict(dict(key_set([KEY.public, OTHER_KEY.public, KEY.public]))).keys
    assert [each.key_id for each in keys] == [KEY.id, OTHER_KEY.id] == [key_id(KEY.public), key_id(OTHER_KEY.public)]
