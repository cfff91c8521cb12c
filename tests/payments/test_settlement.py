"""Money in doubt: the chain has the last word, and nobody is told to pay anew before it has spoken."""

import asyncio

import pytest

from errors import (
    DeadlineUnreachable,
    LedgerUnavailable,
    PaymentInProgress,
    PaymentOutcomeUnknown,
    PaymentRejected,
    ServiceError,
)
from payments.gate import Terms
from payments.ledger import State
from tests.fakes.rails import MOVING, Outcome
from tests.fakes.shop import Shop, order
from tests.fakes.steps import Moment, Steps

DOUBTS = (Outcome.OUT, Outcome.UNSENT, Outcome.REPLY_LOST, Outcome.BUG, Outcome.BUG_AFTER)
"""How a settlement can end without a proof. An outage is one: it says nothing about what was sent before."""

BEGIN, SETTLE, SETTLED = 5, 6, 7
"""Numbers of the calls in a sale; `test_gate.py` has the whole list."""


def ledger_fault() -> LedgerUnavailable:
    return LedgerUnavailable("The ledger does not answer.")


async def in_doubt(shop: Shop, outcome: Outcome = Outcome.REPLY_LOST) -> None:
    """Send the payment, and leave it in doubt."""
    shop.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await shop.send()


@pytest.mark.parametrize(
    ("outcome", "error"), [(Outcome.REFUSED, PaymentRejected), (Outcome.TOO_LATE, DeadlineUnreachable)]
)
async def test_what_provably_did_not_move_is_free_again(
    shop: Shop, outcome: Outcome, error: type[ServiceError]
) -> None:
    shop.rail.settling = [outcome]
    with pytest.raises(error) as refusal:
        await shop.send()
    assert not refusal.value.charged
    assert await shop.is_free()
    await shop.send(order(b"other"))
    assert shop.rail.moved == ["payment"]


@pytest.mark.parametrize("outcome", DOUBTS)
async def test_a_doubt_is_cleared_by_the_chain_when_the_payment_is_sent_again(shop: Shop, outcome: Outcome) -> None:
    """What moved is delivered without settling again; what did not move is sold anew."""
    await in_doubt(shop, outcome)
    entry = await shop.entry()
    assert entry is not None
    assert entry.state is State.SETTLING
    assert shop.rail.moved == (["payment"] if outcome in MOVING else [])

    sale = await shop.send()
    assert shop.rail.called("find_receipt") == 1
    assert sale.replayed == (outcome in MOVING)
    assert shop.rail.moved == ["payment"]


@pytest.mark.parametrize("silence", [Outcome.UNSENT, Outcome.OUT, Outcome.REFUSED, Outcome.BUG])
async def test_a_doubt_stays_one_until_the_chain_speaks(shop: Shop, silence: Outcome) -> None:
    """Whatever else the rail answers, the buyer is told to send the same payment again."""
    await in_doubt(shop)
    shop.rail.finding = [silence, silence]
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown) as refusal:
            await shop.send()
        assert refusal.value.charged
    assert (await shop.send()).replayed
    assert shop.rail.moved == ["payment"]


async def test_copies_ask_the_chain_once(shop: Shop) -> None:
    await in_doubt(shop)
    gates = [shop.open() for _ in range(10)]
    answers = await asyncio.gather(*(shop.send(gate=gate) for gate in gates), return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(refusal, PaymentInProgress) and refusal.charged for refusal in refusals)
    assert len(refusals) < 10
    assert shop.rail.called("find_receipt") == 1


async def test_a_settlement_under_way_is_waited_for(shop: Shop) -> None:
    shop.rail.may_settle.clear()
    sale = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    with pytest.raises(PaymentInProgress) as refusal:
        await shop.send()
    assert refusal.value.charged
    shop.rail.may_settle.set()
    assert not (await sale).replayed


@pytest.mark.parametrize("terms", [Terms(settle_lease_s=0.3)])
async def test_a_settlement_ends_before_its_lease_does(shop: Shop) -> None:
    shop.rail.may_settle.clear()
    async with asyncio.timeout(5):
        with pytest.raises(PaymentOutcomeUnknown):
            await shop.send()


async def test_who_comes_back_too_late_does_not_deliver_on_his_own_word(shop: Shop) -> None:
    """Somebody else has judged the payment meanwhile: what holds now is for the next look-up to say."""
    shop.rail.may_settle.clear()
    frozen = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    shop.leases_run_out()
    claim = await shop.ledger.take_over("payment", lease_s=60)
    assert claim is not None
    await shop.ledger.release(claim)
    shop.rail.may_settle.set()
    with pytest.raises(PaymentOutcomeUnknown):
        await frozen


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_settlement_that_cannot_be_written_down_is_found_again(shop: Shop, moment: Moment) -> None:
    steps = Steps(SETTLED, moment, ledger_fault)
    with pytest.raises(PaymentOutcomeUnknown):
        await shop.send(gate=shop.open(steps), steps=steps)
    assert steps.names[SETTLED] == "settled"
    assert (await shop.send()).replayed
    assert shop.rail.moved == ["payment"]


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_settlement_that_cannot_begin_gives_the_payment_back(shop: Shop, moment: Moment) -> None:
    steps = Steps(BEGIN, moment, ledger_fault)
    with pytest.raises(LedgerUnavailable) as refusal:
        await shop.send(gate=shop.open(steps), steps=steps)
    assert steps.names[BEGIN] == "begin_settlement"
    assert not refusal.value.charged
    assert await shop.is_free()


@pytest.mark.parametrize(("outcome", "cleaning"), [(Outcome.REFUSED, "release"), (Outcome.BUG_AFTER, "leave_in_doubt")])
async def test_a_failed_clean_up_is_a_doubt(shop: Shop, outcome: Outcome, cleaning: str) -> None:
    """A refusal that the ledger has not heard of would not bind others; when the lease is over, the chain is asked."""
    steps = Steps(SETTLE + 1, Moment.BEFORE, ledger_fault)
    shop.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await shop.send(gate=shop.open(steps), steps=steps)
    assert steps.names[SETTLE + 1] == cleaning
    shop.leases_run_out()
    await shop.send()
    assert shop.rail.moved == ["payment"]


async def test_a_settlement_in_doubt_says_when_the_payment_ends(shop: Shop) -> None:
    shop.rail.settling = [Outcome.REPLY_LOST]
    with pytest.raises(PaymentOutcomeUnknown) as doubt:
        await shop.send()
    assert doubt.value.payment_expires_at == 1_900_000_000


async def test_only_who_still_holds_the_payment_refuses_it(shop: Shop) -> None:
    """Somebody else has it by now: what this one was told by the chain is of yesterday."""
    shop.rail.may_settle.clear()
    shop.rail.settling = [Outcome.REFUSED]
    late = asyncio.create_task(shop.send())
    await shop.wait_for("settle")
    shop.leases_run_out()
    assert await shop.ledger.take_over("payment", lease_s=60)
    shop.rail.may_settle.set()
    with pytest.raises(PaymentOutcomeUnknown):
        await late
    assert await shop.entry() is not None
