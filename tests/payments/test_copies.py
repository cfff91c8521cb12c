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
from payments.policy import SalePolicy
from tests.fakes.clock import FakeClock
from tests.fakes.rails import Outcome
from tests.fakes.seller import Seller


async def test_ten_copies_at_once_are_one_work_and_one_charge(seller: Seller) -> None:
    """All but one are told to wait, that money may move, and nothing about paying anew."""
    seller.may_work.clear()
    copies = [asyncio.create_task(seller.send(gate=gate)) for gate in (seller.open(), seller.open()) for _ in range(5)]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    await seller.wait_for_work()
    seller.may_work.set()
    answers = await asyncio.gather(*copies, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, ServiceError)]
    assert len(refusals) == 9
    assert all(isinstance(refusal, PaymentInProgress) and refusal.charged for refusal in refusals)
    assert (seller.works, seller.rail.moved) == (1, ["payment"])


async def test_a_copy_that_is_checked_late_is_never_told_to_pay_anew(seller: Seller) -> None:
    """By then the chain says that the payment is spent; it was the quicker copy who spent it."""
    held = seller.rail.may_verify
    held.clear()
    late = asyncio.create_task(seller.send(gate=seller.open()))
    await seller.wait_for("verify")
    seller.rail.may_verify = asyncio.Event()
    seller.rail.may_verify.set()
    await seller.send()
    held.set()
    with pytest.raises(PaymentInProgress):
        await late
    assert (await seller.send()).replayed


@pytest.mark.parametrize("refusal", [Outcome.REFUSED, Outcome.OUT, Outcome.TOO_LATE])
async def test_a_copy_that_was_looked_up_before_a_refusal_is_not_worked_on(seller: Seller, refusal: Outcome) -> None:
    """It is verified slowly in another worker, while the payment is sent again and refused: its buyer was told that
    nothing was charged, and signs anew. Sent once more, it is as good as any."""
    held = seller.rail.may_verify
    held.clear()
    slow = asyncio.create_task(seller.send(gate=seller.open()))
    await seller.wait_for("verify")
    seller.rail.may_verify = asyncio.Event()
    seller.rail.may_verify.set()
    seller.rail.verifying = [refusal]
    with pytest.raises(ServiceError) as told:
        await seller.send()
    assert told.value.charged is False
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert (seller.works, seller.rail.moved) == (0, [])
    assert not (await seller.send()).replayed


async def test_a_copy_that_was_looked_up_before_failed_work_is_not_worked_on(seller: Seller) -> None:
    """The same, where the quicker copy was taken, and given back."""
    held = seller.rail.may_verify
    held.clear()
    slow = asyncio.create_task(seller.send(gate=seller.open()))
    await seller.wait_for("verify")
    seller.rail.may_verify = asyncio.Event()
    seller.rail.may_verify.set()
    seller.working = [ProcessingFailed("broken")]
    with pytest.raises(ProcessingFailed) as told:
        await seller.send()
    assert told.value.charged is False
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert (seller.works, seller.rail.moved) == (1, [])


async def test_a_copy_that_came_before_a_refusal_and_is_looked_up_after_it_is_not_worked_on(
    seller: Seller, clock: FakeClock
) -> None:
    """It stood still before its look-up, for thirty seconds; the refusal is twenty seconds old."""
    seller.rail.verifying = [Outcome.OUT]
    with pytest.raises(ServiceError) as told:
        await seller.send()
    assert told.value.charged is False
    clock.advance(20)
    with pytest.raises(PaymentInProgress) as wait:
        await seller.send(came_at=time.monotonic() - 30)
    assert wait.value.retryable
    assert (seller.works, seller.rail.moved) == (0, [])
    assert not (await seller.send(came_at=time.monotonic() - 10)).replayed


async def test_a_copy_that_was_looked_up_long_ago_is_not_worked_on(seller: Seller) -> None:
    """By then the ledger may have forgotten that it was refused."""
    seller.policy = SalePolicy(abandoned_s=0)
    with pytest.raises(PaymentInProgress):
        await seller.send(gate=seller.open())
    assert (seller.works, seller.rail.moved) == (0, [])


async def test_a_copy_that_is_checked_for_too_long_is_not_worked_on(seller: Seller, clock: FakeClock) -> None:
    """Another copy is refused for its time by now, and its buyer signs a new payment."""
    seller.rail.work_by = clock.now + 1
    seller.rail.may_verify.clear()
    late = asyncio.create_task(seller.send())
    await seller.wait_for("verify")
    clock.advance(2)
    seller.rail.may_verify.set()
    with pytest.raises(DeadlineUnreachable) as refusal:
        await late
    assert not refusal.value.charged
    assert not refusal.value.retryable
    assert (seller.works, seller.rail.moved, await seller.is_free()) == (0, [], True)


@pytest.mark.parametrize("refusal", [Outcome.TOO_LATE, Outcome.REFUSED, Outcome.SPENT_ELSEWHERE])
async def test_who_froze_in_the_work_does_not_charge_after_a_refusal(seller: Seller, refusal: Outcome) -> None:
    """A worker freezes, its lease runs out, the buyer is refused for good and signs anew: when the worker wakes up, it
    must not settle the payment that its buyer believes to be over."""
    seller.may_work.clear()
    frozen = asyncio.create_task(seller.send(gate=seller.open()))
    await seller.wait_for_work()
    seller.leases_run_out()
    seller.rail.verifying = [refusal]
    with pytest.raises((PaymentRejected, PaymentSpentElsewhere)):
        await seller.send()
    seller.clock.advance(-seller.policy.work_lease_s)  # even if the clock is set back, so that the lease seems to run
    seller.may_work.set()
    with pytest.raises(PaymentInProgress):
        await frozen
    assert not (await seller.send(payment_id="signed anew")).replayed
    assert seller.rail.moved == ["signed anew"]


async def test_a_lease_that_ended_ends_its_holder(seller: Seller) -> None:
    """Although nobody has come for the payment since: somebody may have been told something about it."""
    seller.may_work.clear()
    frozen = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    seller.leases_run_out()
    seller.may_work.set()
    with pytest.raises(PaymentInProgress):
        await frozen
    assert seller.rail.moved == []
    assert not (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]


async def test_a_payment_at_work_is_not_refused(seller: Seller) -> None:
    """Whatever a copy of it is refused for, the first one may yet be charged."""
    seller.may_work.clear()
    held, seller.rail.may_verify = seller.rail.may_verify, asyncio.Event()
    copy = asyncio.create_task(seller.send(gate=seller.open()))
    await seller.wait_for("verify")
    seller.rail.may_verify, held = held, seller.rail.may_verify
    first = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    seller.rail.verifying = [Outcome.TOO_LATE]
    held.set()
    with pytest.raises(PaymentInProgress) as refusal:
        await copy
    assert refusal.value.payment_expires_at == 1_900_000_000
    seller.may_work.set()
    assert not (await first).replayed


async def test_one_copy_at_a_time_is_judged(seller: Seller) -> None:
    """However many come, the chain is asked once; and none is refused while another one may yet be taken."""
    seller.rail.may_verify.clear()
    first = asyncio.create_task(seller.send())
    await seller.wait_for("verify")
    for _ in range(5):
        with pytest.raises(PaymentInProgress):
            await seller.send()
    assert seller.rail.called("verify") == 1
    seller.rail.may_verify.set()
    await first
    seller.rail.verifying = [Outcome.REFUSED]
    with pytest.raises(PaymentRejected):
        await seller.send(payment_id="another")
    assert not (await seller.send(payment_id="another")).replayed
