"""The order of a sale: no picture without payment, no payment without picture, one payment for one picture."""

import asyncio

import pytest
from structlog.testing import capture_logs

from errors import (
    DeadlineUnreachable,
    FundsUnderWay,
    Overloaded,
    PaymentInProgress,
    PaymentUsed,
    ProcessingFailed,
    ServiceError,
    Unavailable,
)
from payments.ledger import State
from payments.order import Order
from payments.policy import SalePolicy
from tests.fakes.clock import FakeClock
from tests.fakes.rails import Outcome
from tests.fakes.seller import CUT_OUT, Seller, order
from tests.fakes.steps import Crash, Steps


async def test_goes_its_steps_in_order(seller: Seller) -> None:
    steps = Steps(None)
    await seller.send(gate=seller.open(steps), steps=steps)
    assert steps.names == ["find", "admit", "verify", "claim", "work", "begin_settlement", "settle", "settled"]


async def test_sells_a_picture_with_its_receipt(seller: Seller) -> None:
    sale = await seller.send()
    assert (sale.delivery.body, sale.delivery.headers) == (CUT_OUT, (("X-Made", "here"),))
    assert sale.receipt_headers == (("scripted-receipt", "0xpayment"),)
    assert not sale.replayed
    entry = await seller.entry()
    assert entry is not None
    assert (entry.state, entry.order_digest) == (State.SETTLED, order().digest)


@pytest.mark.parametrize("error", [Overloaded("full"), RuntimeError("bug")])
async def test_what_is_not_admitted_is_not_even_verified(seller: Seller, error: Exception) -> None:
    seller.admitting = [error]
    with pytest.raises(type(error)):
        await seller.send()
    assert seller.rail.calls == []
    assert await seller.is_free()


async def test_a_payment_that_expires_before_its_turn_is_not_even_verified(seller: Seller) -> None:
    """What the queue makes too late is refused for lack of capacity; and not where it lasts."""
    seller.rail.work_by, seller.wait_s = seller.clock() + 5, 6
    with pytest.raises(Overloaded) as refusal:
        await seller.send()
    assert (refusal.value.retry_after, seller.rail.calls, seller.works, await seller.is_free()) == (6, [], 0, True)
    seller.wait_s = 4
    assert (await seller.send()).delivery.body == CUT_OUT


async def test_the_verification_is_part_of_the_wait(seller: Seller) -> None:
    seller.rail.work_by, seller.wait_s = seller.clock() + 5, 4
    seller.rail.may_verify.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for("verify")
    seller.clock.advance(3)
    seller.rail.may_verify.set()
    assert (await sale).delivery.body == CUT_OUT


async def test_a_payment_that_is_too_late_by_itself_gets_a_new_quote(seller: Seller) -> None:
    seller.rail.work_by = seller.clock() - 1
    with pytest.raises(DeadlineUnreachable) as refusal:
        await seller.send()
    assert (refusal.value.payment_state, seller.works, await seller.is_free()) == ("unused", 0, True)
    seller.rail.work_by = seller.clock()
    assert (await seller.send()).delivery.body == CUT_OUT


async def test_a_stop_gives_back_what_does_not_settle_yet(seller: Seller) -> None:
    seller.may_work.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    seller.gate.cut_short()
    with pytest.raises(Unavailable) as refusal:
        await sale
    assert refusal.value.retryable
    assert (await seller.is_free(), seller.rail.moved, seller.gate.is_settling) == (True, [], False)


async def test_a_stop_lets_settlements_end(seller: Seller) -> None:
    seller.rail.may_settle.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    assert seller.gate.is_settling
    seller.gate.cut_short()
    seller.rail.may_settle.set()
    assert (await sale).delivery.body == CUT_OUT
    assert (seller.rail.moved, seller.gate.is_settling) == (["payment"], False)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TOO_LATE, Outcome.OUT, Outcome.BUG])
async def test_what_is_not_verified_is_not_worked_on(seller: Seller, outcome: Outcome) -> None:
    seller.rail.verifying = [outcome]
    with pytest.raises((ServiceError, RuntimeError)) as refusal:
        await seller.send()
    assert not getattr(refusal.value, "charged", False)
    assert seller.works == 0
    assert await seller.is_free()


@pytest.mark.parametrize("error", [ProcessingFailed("broken"), RuntimeError("bug")])
async def test_failed_work_is_not_charged_and_gives_the_payment_back(seller: Seller, error: Exception) -> None:
    seller.working = [error]
    with pytest.raises(type(error)) as refusal:
        await seller.send()
    assert not getattr(refusal.value, "charged", False)
    assert seller.rail.moved == []
    assert await seller.is_free()
    assert not (await seller.send(order(b"other"))).replayed


async def test_the_same_payment_fetches_the_same_picture_again(seller: Seller) -> None:
    first, again = await seller.send(), await seller.send()
    assert again.replayed
    assert (again.delivery, again.receipt_headers) == (first.delivery, first.receipt_headers)
    assert seller.rail.moved == ["payment"]
    assert seller.rail.called("verify") == 1


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("other", "fingerprint"), [(order(b"other"), "print"), (order(output="webp"), "print"), (order(), "other print")]
)
async def test_a_payment_that_is_taken_buys_nothing_else(
    seller: Seller, state: State, other: Order, fingerprint: str
) -> None:
    """Neither another order nor signed otherwise, whether it is being worked on, in doubt or settled."""
    seller.may_work.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    if state is not State.CLAIMED:
        seller.rail.settling = [Outcome.UNSENT if state is State.SETTLING else Outcome.WELL]
        seller.may_work.set()
        await asyncio.wait([sale])
    with pytest.raises(PaymentUsed) as refusal:
        await seller.send(other, fingerprint=fingerprint)
    assert not refusal.value.charged
    assert seller.works == 1
    seller.may_work.set()
    await asyncio.wait([sale])


async def test_a_silent_claim_binds_nothing(seller: Seller) -> None:
    """Its holder died before money could move: the payment may now buy another picture."""
    steps = Steps(break_at=4)
    with pytest.raises(Crash):
        await seller.send(gate=seller.open(steps), steps=steps)
    assert steps.names[-1] == "work"
    with pytest.raises(PaymentInProgress):
        await seller.send()
    seller.leases_run_out()
    assert (await seller.send(order(b"other"))).delivery.body == b"rehto"
    assert seller.rail.moved == ["payment"]


async def test_work_that_outlives_its_lease_is_not_settled(seller: Seller) -> None:
    """Another request has the payment by then, and settles it."""
    held, seller.may_work = seller.may_work, asyncio.Event()
    slow = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    seller.leases_run_out()
    held, seller.may_work = seller.may_work, held
    quick = await seller.send(order(b"other"))
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert quick.delivery.body == b"rehto"
    assert seller.rail.moved == ["payment"]


class TestHangUp:
    """The buyer hangs up, the sale goes on to its end."""

    @pytest.fixture(params=["work", "settle"])
    async def goes_on(self, seller: Seller, request: pytest.FixtureRequest) -> asyncio.Event:
        """Set to let the sale go on that was under way when the buyer hung up."""
        event = seller.may_work if request.param == "work" else seller.rail.may_settle
        event.clear()
        sale = asyncio.create_task(seller.send())
        await (seller.wait_for_work() if request.param == "work" else seller.wait_for("settle"))
        sale.cancel()
        await asyncio.wait([sale])
        assert sale.cancelled()
        return event

    async def test_who_sends_the_payment_again_gets_the_picture(self, seller: Seller, goes_on: asyncio.Event) -> None:
        with pytest.raises(PaymentInProgress):
            await seller.send()
        goes_on.set()
        await seller.wait_for_state(State.SETTLED)
        again = await seller.send()
        assert (again.delivery.body, again.replayed) == (CUT_OUT, True)
        assert seller.rail.moved == ["payment"]

    async def test_closing_waits_for_it(self, seller: Seller, goes_on: asyncio.Event) -> None:
        closing = asyncio.create_task(seller.gate.aclose())
        await asyncio.sleep(0.01)
        assert not closing.done()
        goes_on.set()
        await closing
        assert not seller.rail.closed  # whoever opened it closes it
        assert seller.rail.moved == ["payment"]

    async def test_a_failure_nobody_hears_is_logged(self, seller: Seller, goes_on: asyncio.Event) -> None:
        seller.rail.settling = [Outcome.REFUSED]
        with capture_logs() as lines:
            goes_on.set()
            await seller.gate.aclose()
        assert [line["event"] for line in lines] == ["sale_failed_after_disconnect"]


async def test_a_payer_has_no_more_under_way_than_the_funds_cover(seller: Seller) -> None:
    """Everything else would be work that the payer cannot pay for."""
    seller.rail.funds = 3 * 50_000 + 49_999
    seller.may_work.clear()
    sales = [asyncio.create_task(seller.send(order(bytes([n])), payment_id=f"payment {n}")) for n in range(10)]
    done, at_work = await asyncio.wait(sales, timeout=1)
    assert (len(done), len(at_work), seller.works) == (7, 3, 3)
    for sale in done:
        error = sale.exception()
        assert isinstance(error, FundsUnderWay)
        assert not error.charged
    seller.may_work.set()
    await asyncio.wait(at_work)
    assert len(seller.rail.moved) == 3


@pytest.mark.parametrize("policy", [SalePolicy(work_lease_s=0.2)])
async def test_a_holder_at_work_keeps_its_claim(seller: Seller, clock: FakeClock) -> None:
    """However long the work takes, the lease is short and renewed."""
    seller.may_work.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for_work()
    for _ in range(5):
        entry = await seller.entry()
        assert entry is not None
        clock.now = entry.lease_until - 0.01
        await seller.wait_until(lambda before, now: now.lease_until > before.lease_until)
    seller.may_work.set()
    assert not (await sale).replayed
    await asyncio.sleep(0.2)
    entry = await seller.entry()
    assert entry is not None
    assert entry.state is State.SETTLED


async def test_a_settlement_is_told_its_end(seller: Seller, clock: FakeClock) -> None:
    """Before the lease is over, so that nothing is sent when others may judge the payment."""
    seller.rail.may_settle.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    entry = await seller.entry()
    assert entry is not None
    assert clock.now < seller.rail.hold.not_after < entry.lease_until
    seller.rail.may_settle.set()
    await sale
