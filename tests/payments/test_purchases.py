"""`Idempotency-Key` at the gate: another payment for the same purchase is not needed, and not charged."""

import asyncio

import pytest

from errors import (
    IdempotencyKeyUsed,
    PaymentInProgress,
    PaymentOutcomeUnknown,
    PaymentRejected,
    PaymentUsed,
    ProcessingFailed,
)
from payments.idempotency import suggested
from tests.fakes.rails import PAYER, Outcome
from tests.fakes.seller import Seller, order


async def test_the_same_purchase_is_delivered_for_the_first_payment(seller: Seller) -> None:
    first = await seller.send(key="my key")
    again = await seller.send(payment_id="another", fingerprint="other print", key="my key")
    assert again.replayed
    assert (again.delivery, again.receipt_headers) == (first.delivery, first.receipt_headers)
    assert seller.rail.moved == ["payment"]
    assert await seller.ledger.find("another") is None


async def test_another_request_under_the_same_name_is_refused_and_uncharged(seller: Seller) -> None:
    await seller.send(key="my key")
    with pytest.raises(IdempotencyKeyUsed) as refusal:
        await seller.send(order(b"other"), payment_id="another", key="my key")
    assert not refusal.value.charged
    assert (seller.works, seller.rail.moved) == (1, ["payment"])


async def test_another_name_is_another_purchase(seller: Seller) -> None:
    await seller.send(key="my key")
    assert not (await seller.send(payment_id="another", key="other key")).replayed
    assert not (await seller.send(payment_id="a third")).replayed
    assert seller.rail.moved == ["payment", "another", "a third"]


async def test_only_the_payer_who_named_it_gets_it(seller: Seller) -> None:
    """The payer is known when the payment is verified, so nothing is looked up before."""
    await seller.send(key="my key")
    seller.rail.payer = "0xstranger"
    assert not (await seller.send(payment_id="another", key="my key")).replayed
    seller.rail.payer = PAYER
    seller.rail.verifying = [Outcome.REFUSED]
    with pytest.raises(PaymentRejected):
        await seller.send(payment_id="a third", key="my key")


async def test_a_suggested_name_makes_one_purchase_of_payments_that_were_signed_anew(seller: Seller) -> None:
    """And none of two pictures that were bought by one quote."""
    name = suggested(order())
    await seller.send(key=name)
    assert (await seller.send(payment_id="another", key=name)).replayed
    assert not (await seller.send(order(b"other"), payment_id="a third", key=name)).replayed
    assert not (await seller.send(order(b"other"), payment_id="a fourth", key=name)).replayed
    assert seller.rail.moved == ["payment", "a third", "a fourth"]


@pytest.mark.parametrize("end", ["a day later", "fetched too often"])
@pytest.mark.parametrize("wanted", [b"picture", b"other"])
async def test_a_name_ends_with_what_it_bought(seller: Seller, end: str, wanted: bytes) -> None:
    """A client that always gives a picture the same name can buy it again, and the new purchase is protected, too."""
    seller.recent_bytes = 0
    seller.gate = seller.open()
    await seller.send(key="my key")
    for _ in range(seller.policy.max_redeliveries if end == "fetched too often" else 0):
        assert (await seller.send(payment_id="another", key="my key")).replayed
    if end == "a day later":
        seller.clock.advance(seller.policy.redelivery_s + 1)
    assert not (await seller.send(order(wanted), payment_id="second", key="my key")).replayed
    assert (await seller.send(order(wanted), payment_id="third", key="my key")).replayed
    assert seller.rail.moved == ["payment", "second"]
    with pytest.raises(PaymentUsed):
        await seller.send()


async def test_two_payments_at_once_are_one_charge(seller: Seller) -> None:
    seller.may_work.clear()
    first = asyncio.create_task(seller.send(key="my key"))
    await seller.wait_for_work()
    with pytest.raises(PaymentInProgress):
        await seller.send(payment_id="another", key="my key")
    seller.may_work.set()
    await first
    assert (await seller.send(payment_id="another", key="my key")).replayed
    assert seller.rail.moved == ["payment"]


async def test_a_purchase_in_doubt_is_cleared_first(seller: Seller) -> None:
    for outcome, moved in ((Outcome.REPLY_LOST, ["payment"]), (Outcome.UNSENT, ["payment", "fourth"])):
        key = outcome.name
        seller.rail.settling = [outcome]
        with pytest.raises(PaymentOutcomeUnknown):
            await seller.send(payment_id="payment" if outcome is Outcome.REPLY_LOST else "third", key=key)
        sale = await seller.send(payment_id="second" if outcome is Outcome.REPLY_LOST else "fourth", key=key)
        assert sale.replayed == (outcome is Outcome.REPLY_LOST)
        assert seller.rail.moved == moved


async def test_a_failed_purchase_is_free_again(seller: Seller) -> None:
    seller.working = [ProcessingFailed("broken")]
    with pytest.raises(ProcessingFailed):
        await seller.send(key="my key")
    assert not (await seller.send(order(b"other"), payment_id="another", key="my key")).replayed
