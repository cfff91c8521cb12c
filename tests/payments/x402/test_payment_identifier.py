"""The extension `payment-identifier`, as the official client reads the quote and sends a payment."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account
from x402 import x402ClientSync
from x402.http.utils import decode_payment_required_header, encode_payment_signature_header
from x402.mechanisms.evm.exact import register_exact_evm_client
from x402.schemas import PaymentRequired

from errors import MalformedPayment
from payments.idempotency import suggested
from payments.money import Price
from payments.order import Order
from payments.rail import HeaderFields
from payments.x402.requirements import QuoteTerms
from payments.x402.wire import read_payment, write_challenge
from sandbox.accounts import BUYER
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.test_wire import V1, V2, header

NAME = "payment-identifier"
ORDER = Order("https://cut.example/", "POST", b"", (), Price(Decimal("0.05")))
ID = "pay_7d5d747be160e280504c099d984bcfe0"


def sent(extension: object) -> HeaderFields:
    return header(2, {**V2, "extensions": {NAME: extension}})


def identifier(headers: HeaderFields, terms: QuoteTerms) -> str | None:
    credential = read_payment(headers, terms)
    assert credential is not None
    return credential.idempotency_key


def test_a_quote_says_that_an_identifier_is_welcome(terms: QuoteTerms) -> None:
    fields = dict(write_challenge(terms, ORDER, None).headers)
    quote = decode_payment_required_header(fields["PAYMENT-REQUIRED"])
    assert isinstance(quote, PaymentRequired)
    assert quote.extensions is not None
    declared = quote.extensions[NAME]
    assert declared["info"] == {"required": False}
    assert declared["schema"]["properties"]["id"]["pattern"] == "^[a-zA-Z0-9_-]+$"


@pytest.mark.parametrize("name", ["order-" + "0" * 64, None])
def test_the_official_client_echoes_the_name_that_a_quote_suggests(terms: QuoteTerms, name: str | None) -> None:
    """Signed anew after a lost answer, a payment says by itself which purchase it is for."""
    fields = dict(write_challenge(terms, ORDER, None, name=name).headers)
    quote = decode_payment_required_header(fields["PAYMENT-REQUIRED"])
    client = register_exact_evm_client(x402ClientSync(), Account.from_key(BUYER.key))
    for _ in range(2):
        payment = encode_payment_signature_header(client.create_payment_payload(quote))
        assert identifier((("payment-signature", payment),), terms) == name


async def test_the_rail_suggests_a_name_for_its_order(new_rail: RailBuilder, order: Order) -> None:
    for wanted in (order, dataclasses.replace(order, body=b"")):
        fields = dict((await new_rail().challenge(wanted)).headers)
        quote = decode_payment_required_header(fields["PAYMENT-REQUIRED"])
        assert isinstance(quote, PaymentRequired)
        assert quote.extensions is not None
        assert quote.extensions[NAME]["info"].get("id") == suggested(wanted)


def test_an_identifier_names_the_purchase(terms: QuoteTerms) -> None:
    assert identifier(sent({"info": {"required": False, "id": ID}, "schema": {}}), terms) == ID


def test_an_echo_without_an_identifier_names_nothing(terms: QuoteTerms) -> None:
    assert identifier(sent({"info": {"required": False}, "schema": {}}), terms) is None
    assert identifier(header(2, V2), terms) is None
    assert identifier(header(1, {**V1, "extensions": {NAME: {"info": {"id": ID}}}}), terms) is None


@pytest.mark.parametrize(
    "extension",
    [
        *(
            {"info": {"required": False, "id": wrong}}
            for wrong in ("a" * 15, "a" * 129, "a" * 15 + " ", 17, "", "ä" * 16)
        ),
        {"info": "text"},
        {},
        "text",
    ],
)
def test_what_breaks_its_rules_is_refused(terms: QuoteTerms, extension: Any) -> None:
    with pytest.raises(MalformedPayment, match=NAME):
        identifier(sent(extension), terms)


def test_it_is_no_part_of_the_payment_itself(terms: QuoteTerms) -> None:
    """The same authorization with another identifier is the same payment."""
    credentials = [
        read_payment(sent({"info": {"required": False, "id": each}}), terms) for each in (ID, ID.replace("7", "8"))
    ]
    first, second = credentials
    assert first is not None
    assert second is not None
    assert (first.payment_id, first.fingerprint) == (second.payment_id, second.fingerprint)
