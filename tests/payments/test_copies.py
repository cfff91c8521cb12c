"""Copies of one payment: whichever is slow, frozen or refused, the payment is worked for and charged once."""

import asyncio
import time

import pytest

from errors import (
    DeadlineUnreachable,
    PaymentInProgress,
    PaymentRejected,
    PaymentSpentElsewhere,
    ProcessingFailed,
    ServiceError,
)
from payments.gate import Terms
from tests.fakes.clock import FakeClock
from tests.fakes.rails import Outcome
from tests.fakes.shop import Shop


async def test_ten_copies_at_once_are_one_work_and_one_charge(shop: Shop) -> None:
    """All but one are told to wait, that money may move, and nothing about paying anew."""
    shop.may_work.clear()
    copies = [asyncio.create_task(shop.send(gate=gate)) for gate in (shop.open(), shop.open()) for _ in range(5)]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    await shop.wait_for_work()
    shop.may_work.set()
    answers = await asyncio.gather(*copies, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, ServiceError)]
    assert len(refusals) == 9
    assert all(isinstance(refusal, PaymentInProgress) and refusal.charged for refusal in refusals)
    assert (shop.works, shop.rail.moved) == (1, ["payment"])


async def test_a_copy_that_is_checked_late_is_never_told_to_pay_anew(shop: Shop) -> None:
    """By then the chain says that the payment is spent; it was the quicker copy who spent it."""
    held = shop.rail.may_verify
    held.clear()
    late = asyncio.create_task(shop.send(gate=shop.open()))
    await shop.wait_for("verify")
    shop.rail.may_verify = asyncio.Event()
    shop.rail.may_verify.set()
    await shop.send()
    held.set()
    with pytest.raises(PaymentInProgress):
        await late
    assert (await shop.send()).replayed


@pytest.mark.parametrize("refusal", [Outcome.REFUSED, Outcome.OUT, Outcome.TOO_LATE])
async def test_a_copy_that_was_looked_up_before_a_refusal_is_not_worked_on(shop: Shop, refusal: Outcome) -> None:
    """It is verified slowly in another worker, while the payment is sent again and refused: its buyer was told that
    nothing was charged, and signs anew. Sent once more, it is as good as any."""
    held = shop.rail.may_verify
    held.clear()
    slow = asyncio.create_task(shop.send(gate=shop.open()))
    await shop.wait_for("verify")
    shop.rail.may_verify = asyncio.Event()
    shop.rail.may_verify.set()
    shop.rail.verifying = [refusal]
    with pytest.raises(ServiceError) as told:
        await shop.send()
    assert told.value.charged is False
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert (shop.works, shop.rail.moved) == (0, [])
    assert not (await shop.send()).replayed


async def test_a_copy_that_was_looked_up_before_failed_work_is_not_worked_on(shop: Shop) -> None:
    """The same, where the quicker copy was taken, and given back."""
    held = shop.rail.may_verify
    held.clear()
    slow = asyncio.create_task(shop.send(gate=shop.open()))
    await shop.wait_for("verify")
    shop.rail.may_verify = asyncio.Event()
    shop.rail.may_verify.set()
    shop.working = [ProcessingFailed("broken")]
    with pytest.raises(ProcessingFailed) as told:
        await shop.send()
    assert told.value.charged is False
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert (shop.works, shop.rail.moved) == (1, [])


async def test_a_copy_that_came_before_a_refusal_and_is_looked_up_after_it_is_not_worked_on(
    shop: Shop, clock: FakeClock
) -> None:
    """It stood still before its look-up, for thirty seconds; the refusal is twenty seconds old."""
    shop.rail.verifying = [Outcome.OUT]
    with pytest.raises(ServiceError) as told:
        await shop.send()
    assert told.value.charged is False
    clock.advance(20)
    with pytest.raises(PaymentInProgress) as wait:
        await shop.send(came_at=time.monotonic() - 30)
    assert wait.value.retryable
    assert (shop.works, shop.rail.moved) == (0, [])
    assert not (await shop.send(came_at=time.monotonic() - 10)).replayed


async def test_a_copy_that_was_looked_up_long_ago_is_not_worked_on(shop: Shop) -> None:
    """By then the ledger may have forgotten that it was refused."""
    shop.terms = Terms(abandoned_s=0)
    with pytest.raises(PaymentInProgress):
        await shop.send(gate=shop.open())
    assert (shop.works, shop.rail.moved) == (0, [])


async def test_a_copy_that_is_checked_for_too_long_is_not_worked_on(shop: Shop, clock: FakeClock) -> None:
    """Another copy is refused for its time by now, and its buyer signs a new payment."""
    shop.rail.work_by = clock.now + 1
    shop.rail.may_verify.clear()
    late = asyncio.create_task(shop.send())
    await shop.wait_for("verify")
    clock.advance(2)
    shop.rail.may_verify.set()
    with pytest.raises(DeadlineUnreachable) as refusal:
        await late
    assert not refusal.value.charged
    assert not refusal.value.retryable
    assert (shop.works, shop.rail.moved, await shop.is_free()) == (0, [], True)


@pytest.mark.parametrize("refusal", [Outcome.TOO_LATE, Outcome.REFUSED, Outcome.SPENT_ELSEWHERE])
async def test_who_froze_in_the_work_does_not_charge_after_a_refusal(shop: Shop, refusal: Outcome) -> None:
    """A worker freezes, its lease runs out, the buyer is refused for good and signs anew: when the worker wakes up, it
    must not settle the payment that its buyer believes to be over."""
    shop.may_work.clear()
    frozen = asyncio.create_task(shop.send(gate=shop.open()))
    await shop.wait_for_work()
    shop.leases_run_out()
    shop.rail.verifying = [refusal]
    with pytest.raises((PaymentRejected, PaymentSpentElsewhere)):
        await shop.send()
    shop.clock.advance(-shop.terms.work_lease_s)  # even if the clock is set back, so that the lease seems to run
    shop.may_work.set()
    with pytest.raises(PaymentInProgress):
        await frozen
    assert not (await shop.send(payment_id="signed anew")).replayed
    assert shop.rail.moved == ["signed anew"]


async def test_a_lease_that_ended_ends_its_holder(shop: Shop) -> None:
    """Although nobody has come for the payment since: somebody may have been told something about it."""
    shop.may_work.clear()
    frozen = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    shop.leases_run_out()
    shop.may_work.set()
    with pytest.raises(PaymentInProgress):
        await frozen
    assert shop.rail.moved == []
    assert not (await shop.send()).replayed
    assert shop.rail.moved == ["payment"]


async def test_a_payment_at_work_is_not_refused(shop: Shop) -> None:
    """Whatever a copy of it is refused for, the first one may yet be charged."""
    shop.may_work.clear()
    held, shop.rail.may_verify = shop.rail.may_verify, asyncio.Event()
    copy = asyncio.create_task(shop.send(gate=shop.open()))
    await shop.wait_for("verify")
    shop.rail.may_verify, held = held, shop.rail.may_verify
    first = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    shop.rail.verifying = [Outcome.TOO_LATE]
    held.set()
    with pytest.raises(PaymentInProgress) as refusal:
        await copy
    assert refusal.value.payment_expires_at == 1_900_000_000
    shop.may_work.set()
    assert not (await first).replayed


async def test_one_copy_at_a_time_is_judged(shop: Shop) -> None:
    """However many come, the chain is asked once; and none is refused while another one may yet be taken."""
    shop.rail.may_verify.clear()
    first = asyncio.create_task(shop.send())
    await shop.wait_for("verify")
    for _ in range(5):
        with pytest.raises(PaymentInProgress):
            await shop.send()
    assert shop.rail.called("verify") == 1
    shop.rail.may_verify.set()
    await first
    shop.rail.verifying = [Outcome.REFUSED]
    with pytest.raises(PaymentRejected):
        await shop.send(payment_id="another")
    assert not (await shop.send(payment_id="another")).replayed
