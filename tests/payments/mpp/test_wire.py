"""Reading `Authorization: Payment` and writing `Payment-Receipt`."""

import base64
import json
from contextlib import suppress
from dataclasses import replace

import mpp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import MalformedPayment, PaymentRejected
from payments.mpp.wire import MAX_CHARS, MppCredential, PushedCredential, read_credential, write_receipt
from payments.rail import HeaderFields, Receipt
from tests.payments.mpp.buyer import header, sign

ASKED = mpp.Challenge.create(
    secret_key="s" * 32,
    realm="cut.example",
    method="tempo",
    intent="charge",
    request={"amount": "50000"},
    expires="2026-12-01T00:00:00Z",
)
GARBAGE = "dGhpcyBpcyBnYXJiYWdl"  # what `mppx validate` sends
DEEP = base64.urlsafe_b64encode(b'{"challenge":' + b"[" * 10_000).decode()


def authorization(value: str) -> HeaderFields:
    return (("authorization", value),)


def encoded(content: object) -> HeaderFields:
    return authorization("Payment " + base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("="))


@pytest.mark.parametrize(
    "headers",
    [
        (),
        authorization("Bearer abc"),
        authorization("Basic cGF5bWVudA=="),
        authorization(""),
        authorization("Payments x"),
    ],
)
def test_other_authorization_is_not_ours(headers: HeaderFields) -> None:
    assert read_credential(headers) is None


@pytest.mark.parametrize("scheme", ["Payment", "payment", "PAYMENT"])
def test_reads_the_challenge_id_and_a_fingerprint(scheme: str) -> None:
    """The scheme's name is case-insensitive (RFC 9110); the same payment has the same fingerprint."""
    ((name, value),) = header(sign(ASKED, memo="0x" + "11" * 32))
    credential = read_credential(((name, value.replace("Payment", scheme, 1)),))
    assert isinstance(credential, MppCredential)
    assert credential.payment_id == ASKED.id
    assert credential.transaction.transfer.memo == "0x" + "11" * 32
    assert credential == read_credential(((name, value),))


def test_another_transaction_for_the_challenge_has_another_fingerprint() -> None:
    first, second = (read_credential(header(sign(ASKED, amount=amount))) for amount in (1, 2))
    assert first is not None
    assert second is not None
    assert first.payment_id == second.payment_id
    assert first.fingerprint != second.fingerprint


def test_reads_a_payment_beside_another_scheme() -> None:
    ((name, value),) = header(sign(ASKED))
    assert read_credential(((name, "Bearer abc"), (name, value))) is not None
    assert read_credential(((name, f"Bearer abc, {value}"),)) is not None


def test_one_payment_may_come_several_times() -> None:
    """Repeated, in a list, with other letters of the scheme, with padding, or beside an empty one."""
    credential = sign(ASKED)
    ((name, value),) = header(credential)
    once = read_credential(((name, value),))
    shouted = value.replace("Payment", "PAYMENT", 1)
    for fields in (
        ((name, value), (name, value)),
        ((name, f"{value}, {value}"),),
        ((name, value), (name, shouted)),
        ((name, f"{value}, Bearer abc, {shouted}=="),),
        ((name, ""), (name, "Payment "), (name, value)),
    ):
        assert read_credential(fields) == once


def test_shows_no_signature_when_printed() -> None:
    credential = sign(ASKED)
    assert credential.payload["signature"][10:40] not in repr(read_credential(header(credential)))


@pytest.mark.parametrize(
    "headers",
    [
        (*authorization("Payment a"), *authorization("Payment b")),
        authorization("Payment a, Payment b"),
        authorization("Payment " + "a" * MAX_CHARS),
    ],
    ids=["two fields", "two in one field", "oversized"],
)
def test_more_than_one_or_too_much_is_malformed(headers: HeaderFields) -> None:
    with pytest.raises(MalformedPayment):
        read_credential(headers)


def test_another_payment_method_is_unsupported() -> None:
    credential = sign(replace(ASKED, method="stripe"))
    with pytest.raises(MalformedPayment) as refused:
        read_credential(header(credential))
    assert (refused.value.type or "").endswith("/method-unsupported")


ECHO = {"id": ASKED.id, "method": "tempo", "intent": "charge"}


@pytest.mark.usefixtures("ordinary_recursion")
@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (authorization("Payment"), "malformed-credential"),
        (authorization("Payment ÿ"), "malformed-credential"),
        (authorization(f"Payment {GARBAGE}"), "malformed-credential"),
        (authorization(f"Payment {DEEP}"), "malformed-credential"),
        (encoded({}), "malformed-credential"),
        (encoded({"challenge": ECHO}), "malformed-credential"),
        (encoded({"challenge": ECHO, "payload": 7}), "malformed-credential"),
        (encoded({"challenge": ECHO, "payload": {"type": "proof"}}), "malformed-credential"),
        (encoded({"challenge": ECHO, "payload": {"type": "transaction", "signature": "76"}}), "malformed-credential"),
        (encoded({"challenge": ECHO, "payload": {"type": "transaction", "signature": "0x76"}}), "verification-failed"),
        (encoded({"challenge": ECHO, "payload": {"type": "hash"}}), "malformed-credential"),
        (encoded({"challenge": ECHO, "payload": {"type": "hash", "hash": "0x" + "1" * 63}}), "malformed-credential"),
        (encoded({"challenge": {**ECHO, "id": "short"}, "payload": {}}), "invalid-challenge"),
        (encoded({"challenge": {**ECHO, "id": "A" * 42 + "\0"}, "payload": {}}), "invalid-challenge"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_fresh_quote(headers: HeaderFields, reason: str) -> None:
    with pytest.raises(PaymentRejected) as refused:
        read_credential(headers)
    assert refused.value.reason == reason
    assert refused.value.type == f"https://paymentauth.org/problems/{reason}"


def test_the_hash_of_a_transaction_that_was_sent_is_read_as_one() -> None:
    """The chain says whether it has paid."""
    sent = "0x" + "aB" * 32
    credential = read_credential(encoded({"challenge": ECHO, "payload": {"type": "hash", "hash": sent}}))
    assert isinstance(credential, PushedCredential)
    assert credential.hash == sent.lower()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["tempo", "charge", "0x76"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["challenge", "payload", "id", "method", "intent", "type", "signature", "source", "header"])
            | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(content=JSON)
def test_any_json_is_read_or_refused(content: object) -> None:
    with suppress(MalformedPayment, PaymentRejected):
        read_credential(encoded(content))


@given(value=st.text(alphabet=st.characters(max_codepoint=255), max_size=300))
def test_any_bytes_after_the_scheme_are_refused(value: str) -> None:
    with pytest.raises((MalformedPayment, PaymentRejected)):
        read_credential(authorization(f"Payment {value}"))


@given(payload=st.binary(max_size=300))
def test_any_transaction_bytes_are_refused(payload: bytes) -> None:
    content = {"challenge": ECHO, "payload": {"type": "transaction", "signature": f"0x76{payload.hex()}"}}
    with pytest.raises(PaymentRejected):
        read_credential(encoded(content))


RECEIPT = Receipt(rail="mpp", network="eip155:42431", transaction="0x" + "ab" * 32, payer="0x1", at=1_795_235_189)


def test_the_receipt_is_read_by_the_official_client() -> None:
    ((name, value),) = write_receipt(RECEIPT, "0x20c0")
    read = mpp.Receipt.from_payment_receipt(value)
    assert name == "Payment-Receipt"
    assert (read.status, read.method, read.reference) == ("success", "tempo", RECEIPT.transaction)
    assert int(read.timestamp.timestamp()) == RECEIPT.at
    assert read.funding_currency == "0x20c0"


def test_the_receipt_is_always_the_same_bytes() -> None:
    assert write_receipt(RECEIPT, "0x20c0") == write_receipt(replace(RECEIPT), "0x20c0")


def test_the_receipt_is_dated_as_rfc_3339_wants() -> None:
    ((_, value),) = write_receipt(RECEIPT, "0x20c0")
    content = json.loads(base64.urlsafe_b64decode(value + "=="))
    assert content["timestamp"] == "2026-11-21T04:26:29Z"
