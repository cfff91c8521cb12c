"""The order of a sale: no picture without payment, no payment without picture, one payment for one picture."""

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from errors import (
    DeadlineUnreachable,
    FundsUnderWay,
    InternalError,
    MalformedPayment,
    Overloaded,
    PaymentInProgress,
    PaymentRejected,
    PaymentUsed,
    ProcessingFailed,
    RailUnavailable,
    ServiceError,
    Unavailable,
)
from payments.gate import Gate, Terms
from payments.ledger import State
from payments.rail import Order
from tests.fakes.clock import FakeClock
from tests.fakes.rails import Outcome, ScriptedRail
from tests.fakes.shop import Shop, order
from tests.fakes.steps import Crash, Steps

PICTURE, CUT_OUT = b"picture", b"erutcip"


async def test_goes_its_steps_in_order(shop: Shop) -> None:
    steps = Steps(None)
    await shop.send(gate=shop.open(steps), steps=steps)
    assert steps.names == ["find", "admit", "verify", "claim", "work", "begin_settlement", "settle", "settled"]


async def test_sells_a_picture_with_its_receipt(shop: Shop) -> None:
    sale = await shop.send()
    assert (sale.delivery.body, sale.delivery.headers) == (CUT_OUT, (("X-Made", "here"),))
    assert sale.receipt_headers == (("scripted-receipt", "0xpayment"),)
    assert not sale.replayed
    entry = await shop.entry()
    assert entry is not None
    assert (entry.state, entry.order_digest) == (State.SETTLED, order().digest)


@pytest.mark.parametrize("error", [Overloaded("full"), RuntimeError("bug")])
async def test_what_is_not_admitted_is_not_even_verified(shop: Shop, error: Exception) -> None:
    shop.admitting = [error]
    with pytest.raises(type(error)):
        await shop.send()
    assert shop.rail.calls == []
    assert await shop.is_free()


async def test_a_payment_that_expires_before_its_turn_is_not_claimed(shop: Shop) -> None:
    """With a quote, so that a fresh one is signed; and not where it lasts."""
    shop.rail.work_by, shop.wait_s = shop.clock() + 5, 6
    with pytest.raises(DeadlineUnreachable) as refusal:
        await shop.send()
    assert (refusal.value.payment_state, shop.works, await shop.is_free()) == ("unused", 0, True)
    shop.wait_s = 4
    assert (await shop.send()).delivery.body == CUT_OUT


async def test_a_stop_gives_back_what_does_not_settle_yet(shop: Shop) -> None:
    shop.may_work.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    shop.gate.cut_short()
    with pytest.raises(Unavailable) as refusal:
        await sale
    assert refusal.value.retryable
    assert (await shop.is_free(), shop.rail.moved, shop.gate.is_settling) == (True, [], False)


async def test_a_stop_lets_settlements_end(shop: Shop) -> None:
    shop.rail.may_settle.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    assert shop.gate.is_settling
    shop.gate.cut_short()
    shop.rail.may_settle.set()
    assert (await sale).delivery.body == CUT_OUT
    assert (shop.rail.moved, shop.gate.is_settling) == (["payment"], False)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TOO_LATE, Outcome.OUT, Outcome.BUG])
async def test_what_is_not_verified_is_not_worked_on(shop: Shop, outcome: Outcome) -> None:
    shop.rail.verifying = [outcome]
    with pytest.raises((ServiceError, RuntimeError)) as refusal:
        await shop.send()
    assert not getattr(refusal.value, "charged", False)
    assert shop.works == 0
    assert await shop.is_free()


@pytest.mark.parametrize("error", [ProcessingFailed("broken"), RuntimeError("bug")])
async def test_failed_work_is_not_charged_and_gives_the_payment_back(shop: Shop, error: Exception) -> None:
    shop.working = [error]
    with pytest.raises(type(error)) as refusal:
        await shop.send()
    assert not getattr(refusal.value, "charged", False)
    assert shop.rail.moved == []
    assert await shop.is_free()
    assert not (await shop.send(order(b"other"))).replayed


async def test_the_same_payment_fetches_the_same_picture_again(shop: Shop) -> None:
    first, again = await shop.send(), await shop.send()
    assert again.replayed
    assert (again.delivery, again.receipt_headers) == (first.delivery, first.receipt_headers)
    assert shop.rail.moved == ["payment"]
    assert shop.rail.called("verify") == 1


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(
    ("other", "fingerprint"), [(order(b"other"), "print"), (order(output="webp"), "print"), (order(), "other print")]
)
async def test_a_payment_that_is_taken_buys_nothing_else(
    shop: Shop, state: State, other: Order, fingerprint: str
) -> None:
    """Neither another order nor signed otherwise, whether it is being worked on, in doubt or settled."""
    shop.may_work.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    if state is not State.CLAIMED:
        shop.rail.settling = [Outcome.UNSENT if state is State.SETTLING else Outcome.WELL]
        shop.may_work.set()
        await asyncio.wait([sale])
    with pytest.raises(PaymentUsed) as refusal:
        await shop.send(other, fingerprint=fingerprint)
    assert not refusal.value.charged
    assert shop.works == 1
    shop.may_work.set()
    await asyncio.wait([sale])


async def test_a_silent_claim_binds_nothing(shop: Shop) -> None:
    """Its holder died before money could move: the payment may now buy another picture."""
    steps = Steps(break_at=4)
    with pytest.raises(Crash):
        await shop.send(gate=shop.open(steps), steps=steps)
    assert steps.names[-1] == "work"
    with pytest.raises(PaymentInProgress):
        await shop.send()
    shop.leases_run_out()
    assert (await shop.send(order(b"other"))).delivery.body == b"rehto"
    assert shop.rail.moved == ["payment"]


async def test_work_that_outlives_its_lease_is_not_settled(shop: Shop) -> None:
    """Another request has the payment by then, and settles it."""
    held, shop.may_work = shop.may_work, asyncio.Event()
    slow = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    shop.leases_run_out()
    held, shop.may_work = shop.may_work, held
    quick = await shop.send(order(b"other"))
    held.set()
    with pytest.raises(PaymentInProgress):
        await slow
    assert quick.delivery.body == b"rehto"
    assert shop.rail.moved == ["payment"]


class TestHangUp:
    """The buyer hangs up, the sale goes on to its end."""

    @pytest.fixture(params=["work", "settle"])
    async def goes_on(self, shop: Shop, request: pytest.FixtureRequest) -> asyncio.Event:
        """Set to let the sale go on that was under way when the buyer hung up."""
        event = shop.may_work if request.param == "work" else shop.rail.may_settle
        event.clear()
        sale = asyncio.create_task(shop.send())
        await (shop.wait_for_work() if request.param == "work" else shop.wait_for("settle"))
        sale.cancel()
        await asyncio.wait([sale])
        assert sale.cancelled()
        return event

    async def test_who_sends_the_payment_again_gets_the_picture(self, shop: Shop, goes_on: asyncio.Event) -> None:
        with pytest.raises(PaymentInProgress):
            await shop.send()
        goes_on.set()
        await shop.wait_for_state(State.SETTLED)
        again = await shop.send()
        assert (again.delivery.body, again.replayed) == (CUT_OUT, True)
        assert shop.rail.moved == ["payment"]

    async def test_closing_waits_for_it(self, shop: Shop, goes_on: asyncio.Event) -> None:
        closing = asyncio.create_task(shop.gate.aclose())
        await asyncio.sleep(0.01)
        assert not closing.done()
        goes_on.set()
        await closing
        assert shop.rail.closed
        assert shop.rail.moved == ["payment"]

    async def test_a_failure_nobody_hears_is_logged(self, shop: Shop, goes_on: asyncio.Event) -> None:
        shop.rail.settling = [Outcome.REFUSED]
        with capture_logs() as lines:
            goes_on.set()
            await shop.gate.aclose()
        assert [line["event"] for line in lines] == ["sale_failed_after_disconnect"]


@pytest.mark.parametrize("terms", [Terms(max_redeliveries=2, redelivery_s=100)])
class TestEntitlement:
    """What has been paid for is delivered again, so often and so long, and is never called uncharged."""

    async def test_ends_with_its_number(self, shop: Shop) -> None:
        await shop.send()
        for _ in range(2):
            assert (await shop.send()).replayed
        with pytest.raises(PaymentUsed) as refusal:
            await shop.send()
        assert refusal.value.charged
        assert shop.works == 3

    async def test_ends_with_its_time(self, shop: Shop, clock: FakeClock) -> None:
        await shop.send()
        clock.advance(99)
        assert (await shop.send()).replayed
        clock.advance(1)
        with pytest.raises(PaymentUsed) as refusal:
            await shop.send()
        assert refusal.value.charged

    @pytest.mark.parametrize("recent_bytes", [1000])
    async def test_costs_nothing_while_the_picture_is_at_hand(self, shop: Shop) -> None:
        await shop.send()
        for _ in range(10):
            assert (await shop.send()).delivery.body == CUT_OUT
        assert shop.works == 1

    @pytest.mark.parametrize("error", [ProcessingFailed("broken"), RuntimeError("bug")])
    async def test_is_not_used_up_by_failures(self, shop: Shop, error: Exception) -> None:
        await shop.send()
        shop.working = [error] * 5
        for _ in range(5):
            with pytest.raises(InternalError) as failure:
                await shop.send()
            assert failure.value.charged
            assert failure.value.retryable
        assert (await shop.send()).replayed

    async def test_waits_for_room(self, shop: Shop) -> None:
        await shop.send()
        shop.admitting = [Overloaded("full")]
        with pytest.raises(Overloaded) as refusal:
            await shop.send()
        assert refusal.value.charged
        assert (await shop.send()).replayed

    async def test_copies_at_once_are_one_work(self, shop: Shop) -> None:
        await shop.send()
        shop.may_work.clear()
        copies = [asyncio.create_task(shop.send()) for _ in range(10)]
        await asyncio.wait(copies, timeout=0.1)
        shop.may_work.set()
        assert [sale.delivery.body for sale in await asyncio.gather(*copies)] == [CUT_OUT] * 10
        assert shop.works == 2
        entry = await shop.entry()
        assert entry is not None
        assert entry.deliveries == 1


async def test_a_payer_has_no_more_under_way_than_the_funds_cover(shop: Shop) -> None:
    """Everything else would be work that the payer cannot pay for."""
    shop.rail.funds = 3 * 50_000 + 49_999
    shop.may_work.clear()
    sales = [asyncio.create_task(shop.send(order(bytes([n])), payment_id=f"payment {n}")) for n in range(10)]
    done, at_work = await asyncio.wait(sales, timeout=1)
    assert (len(done), len(at_work), shop.works) == (7, 3, 3)
    for sale in done:
        error = sale.exception()
        assert isinstance(error, FundsUnderWay)
        assert not error.charged
    shop.may_work.set()
    await asyncio.wait(at_work)
    assert len(shop.rail.moved) == 3


@pytest.mark.parametrize("terms", [Terms(work_lease_s=0.2)])
async def test_a_holder_at_work_keeps_its_claim(shop: Shop, clock: FakeClock) -> None:
    """However long the work takes, the lease is short and renewed."""
    shop.may_work.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for_work()
    for _ in range(5):
        entry = await shop.entry()
        assert entry is not None
        clock.now = entry.lease_until - 0.01
        await shop.wait_until(lambda before, now: now.lease_until > before.lease_until)
    shop.may_work.set()
    assert not (await sale).replayed
    await asyncio.sleep(0.2)
    entry = await shop.entry()
    assert entry is not None
    assert entry.state is State.SETTLED


async def test_a_settlement_is_told_its_end(shop: Shop, clock: FakeClock) -> None:
    """Before the lease is over, so that nothing is sent when others may judge the payment."""
    shop.rail.may_settle.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    entry = await shop.entry()
    assert entry is not None
    assert clock.now < shop.rail.hold.not_after < entry.lease_until
    shop.rail.may_settle.set()
    await sale


class TestSeveralRails:
    """One 402 and one till for all rails."""

    @pytest.fixture
    def gate(self, shop: Shop) -> Gate:
        hosts = {"One.example": ("one",)}
        return Gate((ScriptedRail("one"), ScriptedRail("two")), shop.ledger, hosts=hosts)

    async def test_quotes_all_in_one_answer(self, gate: Gate) -> None:
        quote = await gate.quote(order(), "cut.example")
        assert [value for name, value in quote.headers] == ['one price="0.05"', 'two price="0.05"']
        assert quote.members.keys() == {"one", "two"}
        assert not quote.charged

    async def test_quotes_on_a_host_of_its_own_only_its_own(self, gate: Gate) -> None:
        assert (await gate.quote(order(), "one.EXAMPLE")).members.keys() == {"one"}

    async def test_quotes_no_rail_that_is_out(self, shop: Shop) -> None:
        rails = (ScriptedRail("one"), ScriptedRail("two"))
        out = {"one": "The chain does not answer.", "two": None}
        gate = Gate(rails, shop.ledger, hosts={"one.example": ("one",)}, is_out=lambda name: out[name])
        assert (await gate.quote(order(), "cut.example")).members.keys() == {"two"}
        with pytest.raises(RailUnavailable):
            await gate.quote(order(), "one.example")
        assert gate.credential((("one-payment", "id print"),))

    async def test_quotes_anew_with_the_reason_of_a_refusal(self, gate: Gate) -> None:
        refusal = PaymentRejected("No.", reason="expired")
        quote = await gate.quote(order(), "one.example", refusal)
        assert quote is refusal
        assert quote.members["reason"] == "expired"
        assert quote.members["one"]["rejection"] == "expired"

    def test_takes_the_payment_of_either(self, gate: Gate) -> None:
        for name in ("one", "two"):
            credential = gate.credential(((f"{name}-payment", "id print"),))
            assert credential is not None
            assert credential.rail == name
        assert gate.credential((("accept", "*/*"),)) is None

    def test_takes_no_two_payments(self, gate: Gate) -> None:
        with pytest.raises(MalformedPayment):
            gate.credential((("one-payment", "id print"), ("two-payment", "id print")))

    async def test_takes_no_new_payment_that_the_host_does_not_quote(self, shop: Shop) -> None:
        """But what was bought on another host comes again on every one."""
        gate = Gate((shop.rail, ScriptedRail("one")), shop.ledger, hosts={"one.example": ("one",)})
        with pytest.raises(PaymentRejected) as refusal:
            await shop.send(gate=gate, host="one.example")
        assert (refusal.value.reason, shop.rail.calls) == ("rail_not_offered", [])
        await shop.send(gate=gate, host="two.example")
        assert (await shop.send(gate=gate, host="one.example")).replayed

    def test_names_a_rail_that_there_is_not(self, shop: Shop) -> None:
        with pytest.raises(ValueError, match="three"):
            Gate((shop.rail,), shop.ledger, hosts={"x.example": ("three",)})


async def test_counts_what_became_of_payments(shop: Shop) -> None:
    def counted() -> dict[str, float]:
        name = "clearcanvas_payments_total"
        outcomes = ("settled", "replayed", "overloaded", "internal_error")
        return {each: REGISTRY.get_sample_value(name, {"rail": "scripted", "outcome": each}) or 0 for each in outcomes}

    before = counted()
    shop.admitting, shop.rail.verifying = [Overloaded("full")], [Outcome.BUG]
    for _ in range(4):
        await asyncio.gather(shop.send(), return_exceptions=True)
    assert {each: counted()[each] - before[each] for each in before} == dict.fromkeys(before, 1)
