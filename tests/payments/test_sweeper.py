"""Doubts end without the buyer."""

import asyncio

import pytest

from errors import PaymentOutcomeUnknown
from payments.ledger import State
from payments.sweeper import keep_sweeping, sweep
from tests.fakes.rails import Outcome
from tests.fakes.shop import Shop


async def leave_in_doubt(shop: Shop, outcome: Outcome) -> None:
    shop.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await shop.send()


async def test_money_that_moved_unseen_is_written_down_and_the_picture_delivered_later(shop: Shop) -> None:
    await leave_in_doubt(shop, Outcome.REPLY_LOST)
    assert await sweep(shop.gate) == 1
    entry = await shop.entry()
    assert entry is not None
    assert entry.state is State.SETTLED
    sale = await shop.send()
    assert sale.replayed
    assert shop.rail.moved == ["payment"]


async def test_a_payment_that_never_moved_is_forgotten(shop: Shop) -> None:
    await leave_in_doubt(shop, Outcome.UNSENT)
    assert await sweep(shop.gate) == 1
    assert await shop.is_free()


async def test_a_chain_that_does_not_answer_leaves_the_doubt_for_the_next_round(shop: Shop) -> None:
    await leave_in_doubt(shop, Outcome.REPLY_LOST)
    shop.rail.finding = [Outcome.UNSENT, Outcome.BUG]
    assert [await sweep(shop.gate) for _ in range(3)] == [0, 0, 1]


async def test_what_somebody_works_on_is_left_alone(shop: Shop) -> None:
    shop.rail.may_settle.clear()
    at_work = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    assert await sweep(shop.gate) == 0
    shop.rail.may_settle.set()
    await at_work
    assert shop.rail.called("find_receipt") == 0


async def test_what_is_settled_is_left_alone(shop: Shop) -> None:
    await shop.send()
    shop.leases_run_out()
    assert await sweep(shop.gate) == 0


async def test_it_goes_on_until_it_is_stopped(shop: Shop) -> None:
    await leave_in_doubt(shop, Outcome.REPLY_LOST)
    sweeping = asyncio.create_task(keep_sweeping(shop.gate, every_s=0.01))
    await shop.wait_for_state(State.SETTLED)
    assert not sweeping.done()
    sweeping.cancel()
    await asyncio.wait({sweeping})
