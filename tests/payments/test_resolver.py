"""Doubts end without the buyer."""

import asyncio

import pytest

from errors import PaymentOutcomeUnknown
from payments.ledger import State
from tests.fakes.rails import Outcome
from tests.fakes.seller import Seller


async def mark_unresolved(seller: Seller, outcome: Outcome) -> None:
    seller.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await seller.send()


async def test_money_that_moved_unseen_is_written_down_and_the_picture_delivered_later(seller: Seller) -> None:
    await mark_unresolved(seller, Outcome.REPLY_LOST)
    assert await seller.resolver.resolve() == 1
    entry = await seller.entry()
    assert entry is not None
    assert entry.state is State.SETTLED
    sale = await seller.send()
    assert sale.replayed
    assert seller.rail.moved == ["payment"]


async def test_a_payment_that_never_moved_is_forgotten(seller: Seller) -> None:
    await mark_unresolved(seller, Outcome.UNSENT)
    assert await seller.resolver.resolve() == 1
    assert await seller.is_free()


async def test_a_chain_that_does_not_answer_leaves_the_doubt_for_the_next_round(seller: Seller) -> None:
    await mark_unresolved(seller, Outcome.REPLY_LOST)
    seller.rail.finding = [Outcome.UNSENT, Outcome.BUG]
    assert [await seller.resolver.resolve() for _ in range(3)] == [0, 0, 1]


async def test_what_somebody_works_on_is_left_alone(seller: Seller) -> None:
    seller.rail.may_settle.clear()
    at_work = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    assert await seller.resolver.resolve() == 0
    seller.rail.may_settle.set()
    await at_work
    assert seller.rail.called("find_receipt") == 0


async def test_what_is_settled_is_left_alone(seller: Seller) -> None:
    await seller.send()
    seller.leases_run_out()
    assert await seller.resolver.resolve() == 0


async def test_it_goes_on_until_it_is_stopped(seller: Seller) -> None:
    await mark_unresolved(seller, Outcome.REPLY_LOST)
    sweeping = asyncio.create_task(seller.resolver.keep_resolving(every_s=0.01))
    await seller.wait_for_state(State.SETTLED)
    assert not sweeping.done()
    sweeping.cancel()
    await asyncio.wait({sweeping})
