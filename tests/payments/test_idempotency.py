"""`Idempotency-Key` as buyers write it."""

import pytest

from errors import BadRequest
from payments.idempotency import name_of, suggested, with_idempotency_key
from payments.order import BEGINNING_BYTES
from payments.rail import Credential
from tests.fakes.seller import order

PLAIN = Credential("x402", "id", "print")
NAMED = Credential("x402", "id", "print", idempotency_key="pay_7d5d747be160e280")


@pytest.mark.parametrize("value", ['"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"])
def test_quotes_may_be_left_out(value: str) -> None:
    credential = with_idempotency_key(PLAIN, (("idempotency-key", value),))
    assert credential.idempotency_key == "8e03978e-40d5-43dd-bc93-6894a57f9324"


def test_without_it_a_payment_keeps_the_name_it_carries() -> None:
    assert with_idempotency_key(PLAIN, (("accept", "*/*"),)).idempotency_key is None
    assert with_idempotency_key(NAMED, ()) == NAMED


def test_both_may_say_the_same() -> None:
    assert with_idempotency_key(NAMED, (("idempotency-key", "pay_7d5d747be160e280"),)) == NAMED
    with pytest.raises(BadRequest, match="differ"):
        with_idempotency_key(NAMED, (("idempotency-key", "pay_another_0123456789"),))


def test_a_suggestion_names_one_order() -> None:
    """The same for whoever asks and whenever, and none without a picture, which could be paid with for any."""
    name = suggested(order())
    assert name is not None
    assert suggested(order()) == name
    assert suggested(order(b"other")) != name
    assert suggested(order(b"")) is None


def test_a_suggestion_follows_from_the_beginning_and_names_the_whole() -> None:
    """An unpaid request shows no more of its picture, and pictures may begin alike."""
    beginning = b"x" * BEGINNING_BYTES
    first, second = order(beginning + b"1"), order(beginning + b"2")
    name = suggested(order(beginning))
    assert name == suggested(first) == suggested(second)
    names = {name_of(Credential("x402", "id", "print", idempotency_key=name), each) for each in (first, second)}
    assert names == {f"order-{first.digest}", f"order-{second.digest}"}
    assert first.digest != second.digest


def test_a_suggestion_for_another_order_names_nothing() -> None:
    """A client may ask once and buy several pictures by that quote."""
    echoed = Credential("x402", "id", "print", idempotency_key=suggested(order()))
    assert name_of(echoed, order()) == suggested(order())
    assert name_of(echoed, order(b"other")) is None
    assert name_of(echoed, order(b"")) is None
    assert name_of(NAMED, order(b"other")) == NAMED.idempotency_key
    assert name_of(PLAIN, order()) is None


def test_the_buyers_own_name_stands_above_an_echoed_suggestion() -> None:
    echoed = Credential("x402", "id", "print", idempotency_key=suggested(order()))
    assert with_idempotency_key(echoed, ()).idempotency_key == suggested(order())
    assert with_idempotency_key(echoed, (("idempotency-key", "my-key"),)).idempotency_key == "my-key"


@pytest.mark.parametrize("value", ["", '""', '"half', 'half"', "two words", "a" * 129, "ü", 'a"b', "a,b"])
def test_what_is_no_key_is_refused(value: str) -> None:
    with pytest.raises(BadRequest, match="Idempotency-Key must be one string"):
        with_idempotency_key(PLAIN, (("idempotency-key", value),))


def test_two_are_refused() -> None:
    with pytest.raises(BadRequest):
        with_idempotency_key(PLAIN, (("idempotency-key", "a"), ("idempotency-key", "a")))
