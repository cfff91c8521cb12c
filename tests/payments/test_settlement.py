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
from payments.ledger import State
from payments.policy import SalePolicy
from tests.fakes.rails import MOVING, Outcome
from tests.fakes.seller import Seller, order
from tests.fakes.steps import Moment, Steps

DOUBTS = (Outcome.OUT, Outcome.UNSENT, Outcome.REPLY_LOST, Outcome.BUG, Outcome.BUG_AFTER)
"""How a settlement can end without a proof. An outage is one: it says nothing about what was sent before."""

BEGIN, SETTLE, SETTLED = 5, 6, 7
"""Numbers of the calls in a sale; `test_gate.py` has the whole list."""


def ledger_fault() -> LedgerUnavailable:
    return LedgerUnavailable("The ledger does not answer.")


async def in_doubt(seller: Seller, outcome: Outcome = Outcome.REPLY_LOST) -> None:
    """Send the payment, and leave it in doubt."""
    seller.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await seller.send()


@pytest.mark.parametrize(
    ("outcome", "error"), [(Outcome.REFUSED, PaymentRejected), (Outcome.TOO_LATE, DeadlineUnreachable)]
)
async def test_what_provably_did_not_move_is_free_again(
    seller: Seller, outcome: Outcome, error: type[ServiceError]
) -> None:
    seller.rail.settling = [outcome]
    with pytest.raises(error) as refusal:
        await seller.send()
    assert not refusal.value.charged
    assert await seller.is_free()
    await seller.send(order(b"other"))
    assert seller.rail.moved == ["payment"]


@pytest.mark.parametrize("outcome", DOUBTS)
async def test_a_doubt_is_cleared_by_the_chain_when_the_payment_is_sent_again(seller: Seller, outcome: Outcome) -> None:
    """What moved is delivered without settling again; what did not move is sold anew."""
    await in_doubt(seller, outcome)
    entry = await seller.entry()
    assert entry is not None
    assert entry.state is State.SETTLING
    assert seller.rail.moved == (["payment"] if outcome in MOVING else [])

    sale = await seller.send()
    assert seller.rail.called("find_receipt") == 1
    assert sale.replayed == (outcome in MOVING)
    assert seller.rail.moved == ["payment"]


@pytest.mark.parametrize("silence", [Outcome.UNSENT, Outcome.OUT, Outcome.REFUSED, Outcome.BUG])
async def test_a_doubt_stays_one_until_the_chain_speaks(seller: Seller, silence: Outcome) -> None:
    """Whatever else the rail answers, the buyer is told to send the same payment again."""
    await in_doubt(seller)
    seller.rail.finding = [silence, silence]
    for _ in range(2):
        with pytest.raises(PaymentOutcomeUnknown) as refusal:
            await seller.send()
        assert refusal.value.charged
    assert (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]


async def test_copies_ask_the_chain_once(seller: Seller) -> None:
    await in_doubt(seller)
    gates = [seller.open() for _ in range(10)]
    answers = await asyncio.gather(*(seller.send(gate=gate) for gate in gates), return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    assert all(isinstance(refusal, PaymentInProgress) and refusal.charged for refusal in refusals)
    assert len(refusals) < 10
    assert seller.rail.called("find_receipt") == 1


async def test_a_settlement_under_way_is_waited_for(seller: Seller) -> None:
    seller.rail.may_settle.clear()
    sale = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    with pytest.raises(PaymentInProgress) as refusal:
        await seller.send()
    assert refusal.value.charged
    seller.rail.may_settle.set()
    assert not (await sale).replayed


@pytest.mark.parametrize("policy", [SalePolicy(settle_lease_s=0.3)])
async def test_a_settlement_ends_before_its_lease_does(seller: Seller) -> None:
    seller.rail.may_settle.clear()
    async with asyncio.timeout(5):
        with pytest.raises(PaymentOutcomeUnknown):
            await seller.send()


async def test_who_comes_back_too_late_does_not_deliver_on_his_own_word(seller: Seller) -> None:
    """Somebody else has judged the payment meanwhile: what holds now is for the next look-up to say."""
    seller.rail.may_settle.clear()
    frozen = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    seller.leases_run_out()
    claim = await seller.ledger.take_over("payment", lease_s=60)
    assert claim is not None
    await seller.ledger.release(claim)
    seller.rail.may_settle.set()
    with pytest.raises(PaymentOutcomeUnknown):
        await frozen


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_settlement_that_cannot_be_written_down_is_found_again(seller: Seller, moment: Moment) -> None:
    steps = Steps(SETTLED, moment, ledger_fault)
    with pytest.raises(PaymentOutcomeUnknown):
        await seller.send(gate=seller.open(steps), steps=steps)
    assert steps.names[SETTLED] == "settled"
    assert (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]


@pytest.mark.parametrize("moment", list(Moment))
async def test_a_settlement_that_cannot_begin_gives_the_payment_back(seller: Seller, moment: Moment) -> None:
    steps = Steps(BEGIN, moment, ledger_fault)
    with pytest.raises(LedgerUnavailable) as refusal:
        await seller.send(gate=seller.open(steps), steps=steps)
    assert steps.names[BEGIN] == "begin_settlement"
    assert not refusal.value.charged
    assert await seller.is_free()


@pytest.mark.parametrize(
    ("outcome", "cleaning"), [(Outcome.REFUSED, "release"), (Outcome.BUG_AFTER, "mark_unresolved")]
)
async def test_a_failed_clean_up_is_a_doubt(seller: Seller, outcome: Outcome, cleaning: str) -> None:
    """A refusal that the ledger has not heard of would not bind others; when the lease is over, the chain is asked."""
    steps = Steps(SETTLE + 1, Moment.BEFORE, ledger_fault)
    seller.rail.settling = [outcome]
    with pytest.raises(PaymentOutcomeUnknown):
        await seller.send(gate=seller.open(steps), steps=steps)
    assert steps.names[SETTLE + 1] == cleaning
    seller.leases_run_out()
    await seller.send()
    assert seller.rail.moved == ["payment"]


async def test_a_settlement_in_doubt_says_when_the_payment_ends(seller: Seller) -> None:
    seller.rail.settling = [Outcome.REPLY_LOST]
    with pytest.raises(PaymentOutcomeUnknown) as doubt:
        await seller.send()
    assert doubt.value.payment_expires_at == 1_900_000_000


async def test_only_who_still_holds_the_payment_refuses_it(seller: Seller) -> None:
    """Somebody else has it by now: what this one was told by the chain is of yesterday."""
    seller.rail.may_settle.clear()
    seller.rail.settling = [Outcome.REFUSED]
    late = asyncio.create_task(seller.send())
    await seller.wait_for("settle")
    seller.leases_run_out()
    assert await seller.ledger.take_over("payment", lease_s=60)
    seller.rail.may_settle.set()
    with pytest.raises(PaymentOutcomeUnknown):
        await late
    assert await seller.entry() is not None
