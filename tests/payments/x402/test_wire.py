"""The wire: what clients send is read strictly, what they get is what they expect."""

import base64
import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from x402.http.utils import decode_payment_required_header, decode_payment_response_header
from x402.mechanisms.evm.v1.constants import V1_NETWORKS
from x402.schemas import PaymentRequired
from x402.schemas.v1 import PaymentRequiredV1

from errors import MalformedPayment
from payments.money import Price
from payments.order import Order
from payments.rail import HeaderFields, Receipt
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import MAX_HEADER_CHARS, read_payment, write_challenge, write_receipt, write_refusal

URL = "https://cut.example/v1/remove-background"
PAYER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
NONCE = "0x" + "aB" * 32
AUTHORIZATION = {
    "from": PAYER,
    "to": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "value": "50000",
    "validAfter": "0",
    "validBefore": "1800000000",
    "nonce": NONCE,
}
PAYLOAD = {"signature": "0x" + "1b" * 65, "authorization": AUTHORIZATION}
V1: dict[str, Any] = {"x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": PAYLOAD}
V2: dict[str, Any] = {
    "x402Version": 2,
    "payload": PAYLOAD,
    "accepted": {
        "scheme": "exact",
        "network": "eip155:84532",
        "asset": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "amount": "50000",
        "payTo": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
        "maxTimeoutSeconds": 120,
        "extra": {"name": "USDC", "version": "2"},
    },
}
FIELDS = {1: "x-payment", 2: "payment-signature"}


def header(version: int, content: object) -> HeaderFields:
    return ((FIELDS[version], base64.b64encode(json.dumps(content).encode()).decode()),)


def with_authorization(**changes: object) -> dict[str, Any]:
    """A v1 payment with members of its authorization changed, or left out where the value is None."""
    changed = {name: value for name, value in {**AUTHORIZATION, **changes}.items() if value is not None}
    return {**V1, "payload": {**PAYLOAD, "authorization": changed}}


OTHER = {**PAYLOAD, "authorization": {**AUTHORIZATION, "nonce": "0x" + "cd" * 32}}
OTHER_V1, OTHER_V2 = {**V1, "payload": OTHER}, {**V2, "payload": OTHER}
BOTH = ("x-payment", "payment-signature")


@pytest.mark.parametrize("headers", [(), (("x-payment", ""),), (("payment-signature", " , "), ("x-payment", ""))])
def test_empty_fields_are_no_payment(terms: QuoteTerms, headers: HeaderFields) -> None:
    assert read_payment(headers, terms) is None


def _joined(fields: HeaderFields) -> HeaderFields:
    """As a proxy joins repeated fields."""
    return ((fields[0][0], ", ".join(value for _, value in fields)),)


@pytest.mark.parametrize(
    ("headers", "version", "sent_in"),
    [
        (header(1, V1) + header(2, V1), 1, BOTH),  # seen of a wallet
        (header(1, V2) + header(2, V2), 2, BOTH),
        (header(1, V1) + header(2, V2), 2, BOTH),
        (header(2, V2) + header(1, V1), 2, BOTH),
        (header(1, V2), 2, ("x-payment",)),
        (header(2, V1), 1, ("payment-signature",)),
        (header(1, V1) + header(1, V1), 1, ("x-payment",)),
        (header(2, V2) * 3, 2, ("payment-signature",)),
        (_joined(header(2, V2) * 2), 2, ("payment-signature",)),
        ((*header(1, V1), ("payment-signature", "")), 1, ("x-payment",)),
        ((("x-payment", " "), *header(2, V2)), 2, ("payment-signature",)),
        (_joined((("x-payment", ""), *header(1, V1), ("x-payment", ""))), 1, ("x-payment",)),
    ],
)
def test_one_payment_may_come_several_times(
    terms: QuoteTerms, headers: HeaderFields, version: int, sent_in: tuple[str, ...]
) -> None:
    credential = read_payment(headers, terms)
    assert credential is not None
    assert (credential.version, credential.sent_in) == (version, sent_in)
    assert credential.fingerprint == read_payment(header(1, V1), terms).fingerprint  # type: ignore[union-attr]


@pytest.mark.parametrize(("version", "content"), [(1, V1), (2, V2)])
def test_reads_a_payment(terms: QuoteTerms, version: int, content: dict[str, Any]) -> None:
    credential = read_payment(header(version, content), terms)
    assert credential is not None
    assert credential.rail == "x402"
    assert credential.version == version
    assert credential.scheme == "exact"
    assert credential.network == ("base-sepolia" if version == 1 else "eip155:84532")
    assert credential.payment_id == (f"eip155:84532:{terms.asset}:{PAYER}:{NONCE}").lower()
    assert credential.signed.authorization.value == 50_000


def test_one_authorization_is_one_payment_in_either_version(terms: QuoteTerms) -> None:
    """Also when the letters of its hex digits are written in another case."""
    shouted = with_authorization(**{"from": "0x" + PAYER[2:].upper(), "nonce": NONCE.lower()})
    first, second, third = (read_payment(header(*sent), terms) for sent in ((1, V1), (2, V2), (1, shouted)))
    assert first
    assert second
    assert third
    assert first.payment_id == second.payment_id == third.payment_id
    assert first.fingerprint == second.fingerprint == third.fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        with_authorization(value="50001"),
        with_authorization(validAfter="1"),
        with_authorization(validBefore="1800000001"),
        with_authorization(to=PAYER),
        {**V1, "payload": {**PAYLOAD, "signature": "0x" + "1c" * 65}},
    ],
)
def test_whatever_is_signed_is_in_the_fingerprint(terms: QuoteTerms, changed: dict[str, Any]) -> None:
    original, other = read_payment(header(1, V1), terms), read_payment(header(1, changed), terms)
    assert original
    assert other
    assert original.fingerprint != other.fingerprint


def test_a_signature_shows_in_no_repr(terms: QuoteTerms) -> None:
    assert "1b1b" not in repr(read_payment(header(1, V1), terms))


@pytest.mark.parametrize(
    "headers",
    [
        header(1, V1) + header(1, OTHER_V1),
        header(1, V1) + header(2, OTHER_V2),
        header(1, OTHER_V1) + header(2, V2),
        header(1, V1) + header(2, "not a payment"),
        header(1, {**V1, "x402Version": 3}),
        (("x-payment", f"{header(1, V1)[0][1]}, {header(1, OTHER_V1)[0][1]}"),),
        header(1, {**V1, "x402Version": True}),
        header(1, {**V1, "x402Version": "1"}),
        header(1, {**V1, "x402Version": 1.0}),
        header(2, {name: value for name, value in V2.items() if name != "x402Version"}),
        header(1, []),
        header(1, {}),
        header(1, "payment"),
        header(1, {**V1, "payload": {}}),
        header(1, {**V1, "payload": {"authorization": AUTHORIZATION}}),
        header(1, {**V1, "payload": {**PAYLOAD, "permit2Authorization": {}}}),
        header(1, {**V1, "payload": {**PAYLOAD, "signature": "0x"}}),
        header(1, {**V1, "payload": {**PAYLOAD, "signature": "0x123"}}),
        header(1, {**V1, "payload": {**PAYLOAD, "signature": "1b" * 65}}),
        header(1, {**V1, "scheme": 7}),
        header(2, {**V2, "accepted": {**V2["accepted"], "amount": 50000}}),
        header(1, with_authorization(value=50000)),
        header(1, with_authorization(value="-1")),
        header(1, with_authorization(value="0x10")),
        header(1, with_authorization(value="1e3")),
        header(1, with_authorization(value="\u0665")),
        header(1, with_authorization(value=str(2**256))),
        header(1, with_authorization(value="1" * 79)),
        header(1, with_authorization(nonce="0x12")),
        header(1, with_authorization(nonce=NONCE + "\n")),
        header(1, with_authorization(**{"from": "vitalik.eth"})),
        header(1, with_authorization(**{"from": PAYER[:-1]})),
        header(1, with_authorization(to=None)),
        (("x-payment", "%%%"),),
        (("x-payment", "bm90IGpzb24="),),
        (("x-payment", base64.b64encode(b"\xff\xfe").decode()),),
        (("x-payment", header(1, V1)[0][1].rstrip("=") + "\n"),),
        (("x-payment", base64.b64encode(b"[" * 6000).decode()),),
        (("x-payment", "A" * (MAX_HEADER_CHARS + 4)),),
    ],
)
def test_says_malformed(terms: QuoteTerms, headers: HeaderFields) -> None:
    with pytest.raises(MalformedPayment):
        read_payment(headers, terms)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = dict.fromkeys(("scheme", "network", "accepted", "resource", "extensions"), JSON)
AUTHORIZATIONS = st.fixed_dictionaries(
    {}, optional={name: JSON | st.just(AUTHORIZATION[name]) for name in AUTHORIZATION}
)
PAYLOADS = st.fixed_dictionaries({}, optional={"authorization": AUTHORIZATIONS | JSON, "signature": JSON})
PAYMENTS = st.fixed_dictionaries({"x402Version": st.sampled_from([1, 2])}, optional={**MEMBERS, "payload": PAYLOADS})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(version=st.sampled_from([1, 2]), content=PAYMENTS | JSON)
def test_reads_any_json_or_says_malformed(terms: QuoteTerms, version: int, content: object) -> None:
    with suppress(MalformedPayment):
        read_payment(header(version, content), terms)


def ordered(media_type: str = "image/png") -> Order:
    return Order(URL, "POST", b"", (), Price(Decimal("0.05")), media_type=media_type)


def test_the_quote_names_the_format_that_will_come(terms: QuoteTerms) -> None:
    challenge = write_challenge(terms, ordered("image/webp"), None)
    v2 = decode_payment_required_header(dict(challenge.headers)["PAYMENT-REQUIRED"])
    assert isinstance(v2, PaymentRequired)
    assert v2.resource is not None
    assert v2.resource.mime_type == challenge.members["accepts"][0]["mimeType"] == "image/webp"


def test_the_challenge_is_one_that_both_versions_read(terms: QuoteTerms) -> None:
    challenge = write_challenge(terms, ordered(), None)
    v1 = PaymentRequiredV1.model_validate(challenge.members)
    v2 = decode_payment_required_header(dict(challenge.headers)["PAYMENT-REQUIRED"])
    assert isinstance(v2, PaymentRequired)
    assert v2.resource is not None
    assert v2.resource.url == v1.accepts[0].resource == URL
    assert v2.resource.mime_type == v1.accepts[0].mime_type == "image/png"
    assert v2.accepts[0].amount == v1.accepts[0].max_amount_required == "50000"
    assert (v1.accepts[0].network, v2.accepts[0].network) == ("base-sepolia", "eip155:84532")
    assert v1.accepts[0].pay_to == v2.accepts[0].pay_to == terms.pay_to
    assert v1.accepts[0].description


def test_the_body_suits_strict_v1_clients(terms: QuoteTerms) -> None:
    """They reject the whole answer for one null member or one network that they do not know."""
    members = write_challenge(terms, ordered(), None).members
    assert "null" not in json.dumps(members)
    assert {accepted["network"] for accepted in members["accepts"]} <= set(V1_NETWORKS)


def test_the_challenge_repeats_why_a_payment_was_rejected(terms: QuoteTerms) -> None:
    challenge = write_challenge(terms, ordered(), "insufficient_funds")
    v2 = decode_payment_required_header(dict(challenge.headers)["PAYMENT-REQUIRED"])
    assert challenge.members["error"] == v2.error == "insufficient_funds"


ANSWERED = pytest.mark.parametrize(
    ("headers", "names", "network"),
    [
        (header(1, V1), ["X-PAYMENT-RESPONSE"], "base-sepolia"),
        (header(2, V2), ["PAYMENT-RESPONSE"], "eip155:84532"),
        (header(1, V2), ["X-PAYMENT-RESPONSE"], "eip155:84532"),
        (header(2, V1), ["PAYMENT-RESPONSE"], "base-sepolia"),
        (header(1, V1) + header(2, V1), ["X-PAYMENT-RESPONSE", "PAYMENT-RESPONSE"], "base-sepolia"),
    ],
)


@ANSWERED
def test_a_refusal_answers_where_the_receipt_would(
    terms: QuoteTerms, headers: HeaderFields, names: list[str], network: str
) -> None:
    credential = read_payment(headers, terms)
    assert credential is not None
    refusal = write_refusal("insufficient_funds", credential, terms)
    assert [name for name, _ in refusal] == names
    for _, value in refusal:
        failed = decode_payment_response_header(value)
        assert (failed.success, failed.error_reason) == (False, "insufficient_funds")
        assert (failed.network, failed.payer, failed.transaction) == (network, PAYER, "")


@ANSWERED
def test_the_receipt_answers_the_header_in_the_payments_version(
    terms: QuoteTerms, headers: HeaderFields, names: list[str], network: str
) -> None:
    credential = read_payment(headers, terms)
    assert credential is not None
    first, later = (
        write_receipt(Receipt("x402", "eip155:84532", "0x" + "12" * 32, payer, at), credential, terms)
        for payer, at in ((PAYER, 1), (PAYER.lower(), 2))
    )
    assert first == later
    assert [name for name, _ in first] == names
    for _, value in first:
        settled = decode_payment_response_header(value)
        assert (settled.success, settled.network, settled.payer) == (True, network, PAYER)
        assert settled.transaction == "0x" + "12" * 32


def test_a_deeply_nested_payment_is_rejected_before_parsing(terms: QuoteTerms) -> None:
    nested = base64.b64encode(b'{"x402Version":1,"payload":' + b"[" * 300).decode()
    with pytest.raises(MalformedPayment, match="nested"):
        read_payment((("x-payment", nested),), terms)
