"""The extension `payment-identifier`, as the official client reads the quote and sends a payment."""

from typing import Any

import pytest
from x402.http.utils import decode_payment_required_header
from x402.schemas import PaymentRequired

from errors import MalformedPayment
from payments.rail import HeaderFields
from payments.x402.requirements import Terms
from payments.x402.wire import read_payment, write_challenge
from tests.payments.x402.test_wire import V1, V2, header

NAME = "payment-identifier"
ID = "pay_7d5d747be160e280504c099d984bcfe0"


def sent(extension: object) -> HeaderFields:
    return header(2, {**V2, "extensions": {NAME: extension}})


def identifier(headers: HeaderFields, terms: Terms) -> str | None:
    credential = read_payment(headers, terms)
    assert credential is not None
    return credential.idempotency_key


def test_a_quote_says_that_an_identifier_is_welcome(terms: Terms) -> None:
    fields = dict(write_challenge(terms, 50_000, "https://cut.example/", None).headers)
    quote = decode_payment_required_header(fields["PAYMENT-REQUIRED"])
    assert isinstance(quote, PaymentRequired)
    assert quote.extensions is not None
    declared = quote.extensions[NAME]
    assert declared["info"] == {"required": False}
    assert declared["schema"]["properties"]["id"]["pattern"] == "^[a-zA-Z0-9_-]+$"


def test_an_identifier_names_the_purchase(terms: Terms) -> None:
    assert identifier(sent({"info": {"required": False, "id": ID}, "schema": {}}), terms) == ID


def test_an_echo_without_an_identifier_names_nothing(terms: Terms) -> None:
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
def test_what_breaks_its_rules_is_refused(terms: Terms, extension: Any) -> None:
    with pytest.raises(MalformedPayment, match=NAME):
        identifier(sent(extension), terms)


def test_it_is_no_part_of_the_payment_itself(terms: Terms) -> None:
    """The same authorization with another identifier is the same payment."""
    credentials = [
        read_payment(sent({"info": {"required": False, "id": each}}), terms) for each in (ID, ID.replace("7", "8"))
    ]
    first, second = credentials
    assert first is not None
    assert second is not None
    assert (first.payment_id, first.fingerprint) == (second.payment_id, second.fingerprint)
