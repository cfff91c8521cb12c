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
from tests.fakes.shop import Shop, order


async def test_the_same_purchase_is_delivered_for_the_first_payment(shop: Shop) -> None:
    first = await shop.send(key="my key")
    again = await shop.send(payment_id="another", fingerprint="other print", key="my key")
    assert again.replayed
    assert (again.delivery, again.receipt_headers) == (first.delivery, first.receipt_headers)
    assert shop.rail.moved == ["payment"]
    assert await shop.ledger.find("another") is None


async def test_another_request_under_the_same_name_is_refused_and_uncharged(shop: Shop) -> None:
    await shop.send(key="my key")
    with pytest.raises(IdempotencyKeyUsed) as refusal:
        await shop.send(order(b"other"), payment_id="another", key="my key")
    assert not refusal.value.charged
    assert (shop.works, shop.rail.moved) == (1, ["payment"])


async def test_another_name_is_another_purchase(shop: Shop) -> None:
    await shop.send(key="my key")
    assert not (await shop.send(payment_id="another", key="other key")).replayed
    assert not (await shop.send(payment_id="a third")).replayed
    assert shop.rail.moved == ["payment", "another", "a third"]


async def test_only_the_payer_who_named_it_gets_it(shop: Shop) -> None:
    """The payer is known when the payment is verified, so nothing is looked up before."""
    await shop.send(key="my key")
    shop.rail.payer = "0xstranger"
    assert not (await shop.send(payment_id="another", key="my key")).replayed
    shop.rail.payer = PAYER
    shop.rail.verifying = [Outcome.REFUSED]
    with pytest.raises(PaymentRejected):
        await shop.send(payment_id="a third", key="my key")


async def test_a_suggested_name_makes_one_purchase_of_payments_that_were_signed_anew(shop: Shop) -> None:
    """And none of two pictures that were bought by one quote."""
    name = suggested(order())
    await shop.send(key=name)
    assert (await shop.send(payment_id="another", key=name)).replayed
    assert not (await shop.send(order(b"other"), payment_id="a third", key=name)).replayed
    assert not (await shop.send(order(b"other"), payment_id="a fourth", key=name)).replayed
    assert shop.rail.moved == ["payment", "a third", "a fourth"]


@pytest.mark.parametrize("end", ["a day later", "fetched too often"])
@pytest.mark.parametrize("wanted", [b"picture", b"other"])
async def test_a_name_ends_with_what_it_bought(shop: Shop, end: str, wanted: bytes) -> None:
    """A client that always gives a picture the same name can buy it again, and the new purchase is protected, too."""
    shop.recent_bytes = 0
    shop.gate = shop.open()
    await shop.send(key="my key")
    for _ in range(shop.terms.max_redeliveries if end == "fetched too often" else 0):
        assert (await shop.send(payment_id="another", key="my key")).replayed
    if end == "a day later":
        shop.clock.advance(shop.terms.redelivery_s + 1)
    assert not (await shop.send(order(wanted), payment_id="second", key="my key")).replayed
    assert (await shop.send(order(wanted), payment_id="third", key="my key")).replayed
    assert shop.rail.moved == ["payment", "second"]
    with pytest.raises(PaymentUsed):
        await shop.send()


async def test_two_payments_at_once_are_one_charge(shop: Shop) -> None:
    shop.may_work.clear()
    first = asyncio.create_task(shop.send(key="my key"))
    await shop.wait_for_work()
    with pytest.raises(PaymentInProgress):
        await shop.send(payment_id="another", key="my key")
    shop.may_work.set()
    await first
    assert (await shop.send(payment_id="another", key="my key")).replayed
    assert shop.rail.moved == ["payment"]


async def test_a_purchase_in_doubt_is_cleared_first(shop: Shop) -> None:
    for outcome, moved in ((Outcome.REPLY_LOST, ["payment"]), (Outcome.UNSENT, ["payment", "fourth"])):
        key = outcome.name
        shop.rail.settling = [outcome]
        with pytest.raises(PaymentOutcomeUnknown):
            await shop.send(payment_id="payment" if outcome is Outcome.REPLY_LOST else "third", key=key)
        sale = await shop.send(payment_id="second" if outcome is Outcome.REPLY_LOST else "fourth", key=key)
        assert sale.replayed == (outcome is Outcome.REPLY_LOST)
        assert shop.rail.moved == moved


async def test_a_failed_purchase_is_free_again(shop: Shop) -> None:
    shop.working = [ProcessingFailed("broken")]
    with pytest.raises(ProcessingFailed):
        await shop.send(key="my key")
    assert not (await shop.send(order(b"other"), payment_id="another", key="my key")).replayed
