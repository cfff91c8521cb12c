"""What every ledger promises about claims; `LedgerContract` inherits it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from errors import FundsUnderWay, PaymentUsed
from payments.ledger import MAX_IN_FLIGHT_WITHOUT_BALANCE, Claim, Entry, Ledger, State
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, found, settling, take, taken
from tests.fakes.clock import FakeClock


class ClaimContract:
    """Claims, leases and refusals."""

    @pytest.fixture
    def build(self, clock: FakeClock) -> Callable[[], Ledger]:
        """Opens the test's store, as one more process would, and closes it after the test; the store is empty at
        first and judges by `clock`."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def ledger(self, build: Callable[[], Ledger]) -> Ledger:
        return build()

    @pytest.fixture
    def elsewhere(self, build: Callable[[], Ledger]) -> Ledger:
        """The same store through connections of its own."""
        return build()

    async def test_knows_nothing_of_an_unknown_payment(self, ledger: Ledger) -> None:
        assert await ledger.find("nobody") is None

    async def test_remembers_a_claim_in_full(self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock) -> None:
        claim = await taken(ledger)
        assert await elsewhere.find(PAYMENT.id) == Entry(
            payment=PAYMENT,
            state=State.CLAIMED,
            fingerprint="print",
            order_digest="order",
            holder=claim.holder,
            lease_until=clock.now + LEASE_S,
            lease_left_s=LEASE_S,
            deliveries=0,
            receipt=None,
        )

    async def test_remembers_numbers_as_large_as_a_chain_has_them(self, ledger: Ledger) -> None:
        largest = replace(PAYMENT, amount=2**256 - 1, valid_before=2**256 - 1)
        await taken(ledger, largest)
        assert (await found(ledger)).payment == largest

    async def test_gives_a_payment_to_one_only(self, ledger: Ledger, elsewhere: Ledger) -> None:
        """And says to nobody that its transaction belongs to another payment: that one would pay anew."""
        for n in range(20):
            payment = replace(PAYMENT, id=f"payment {n}", payer=f"payer {n}", transaction=f"transaction {n}")
            claims = await asyncio.gather(*(take(each, payment) for each in (ledger, elsewhere) for _ in range(10)))
            assert len([claim for claim in claims if claim]) == 1

    async def test_takes_a_silent_claim_from_its_holder(self, ledger: Ledger, clock: FakeClock) -> None:
        """After its lease a claim binds nothing: another order may have the payment, and the old holder is out."""
        old = await taken(ledger)
        clock.advance(LEASE_S)
        new = await take(ledger, fingerprint="other print", order_digest="other order")
        assert new is not None
        entry = await found(ledger)
        assert (entry.fingerprint, entry.order_digest, entry.holder) == ("other print", "other order", new.holder)
        assert not await ledger.begin_settlement(old, lease_s=LEASE_S)
        assert not await ledger.release(old)
        assert await ledger.begin_settlement(new, lease_s=LEASE_S)

    async def test_keeps_a_claim_until_the_end_of_its_lease(self, ledger: Ledger, clock: FakeClock) -> None:
        await taken(ledger)
        clock.advance(LEASE_S - 0.01)
        assert await take(ledger) is None

    async def test_knows_each_transaction_once(self, ledger: Ledger, clock: FakeClock) -> None:
        await taken(ledger)
        with pytest.raises(PaymentUsed) as refusal:
            await take(ledger, replace(PAYMENT, id="another"))
        assert refusal.value.charged, "its transaction may move for the other one"
        assert await ledger.find("another") is None
        clock.advance(LEASE_S)
        assert await take(ledger)

    async def test_takes_many_payments_without_a_transaction(self, ledger: Ledger) -> None:
        for payment_id in ("one", "two"):
            assert await take(ledger, replace(PAYMENT, id=payment_id, transaction=None))

    async def test_takes_as_many_payments_of_a_payer_as_the_payer_can_pay(self, ledger: Ledger) -> None:
        """What is under way counts, whether it is being worked on or in doubt; what has settled is paid."""
        two = replace(PAYMENT, transaction=None, funds=2 * PAYMENT.amount + 1)
        await settling(ledger, replace(two, id="first"))
        await taken(ledger, replace(two, id="second"))
        with pytest.raises(FundsUnderWay) as refusal:
            await take(ledger, replace(two, id="third"))
        assert refusal.value.retryable
        assert await ledger.find("third") is None
        assert await take(ledger, replace(two, id="stranger's", payer="0xother"))
        await ledger.settled("first", RECEIPT)
        assert await take(ledger, replace(two, id="third"))

    async def test_counts_no_silent_claim_against_the_payer(self, ledger: Ledger, clock: FakeClock) -> None:
        one = replace(PAYMENT, transaction=None, funds=PAYMENT.amount)
        await taken(ledger, replace(one, id="silent"))
        clock.advance(LEASE_S)
        assert await take(ledger, replace(one, id="next"))
        with pytest.raises(FundsUnderWay):
            await take(ledger, replace(one, id="silent"))

    async def test_takes_few_payments_of_a_payer_whose_funds_nobody_sees(self, ledger: Ledger) -> None:
        unseen = replace(PAYMENT, transaction=None)
        for number in range(MAX_IN_FLIGHT_WITHOUT_BALANCE):
            await taken(ledger, replace(unseen, id=str(number)))
        with pytest.raises(FundsUnderWay):
            await take(ledger, replace(unseen, id="one more"))

    async def test_gives_the_name_of_a_purchase_to_one_payment(self, ledger: Ledger, elsewhere: Ledger) -> None:
        claims = await asyncio.gather(
            *(
                take(each, replace(PAYMENT, id=f"{name} {number}", transaction=None), purchase="my key")
                for name, each in (("here", ledger), ("there", elsewhere))
                for number in range(3)
            )
        )
        [winner] = [claim for claim in claims if claim]
        entry = await elsewhere.find_purchase("my key")
        assert entry is not None
        assert entry.payment.id == winner.payment_id
        assert await ledger.find_purchase("another key") is None

    async def test_takes_the_name_of_a_purchase_from_a_silent_claim(self, ledger: Ledger, clock: FakeClock) -> None:
        """But never from one over which money may have moved."""
        first, second, third = (replace(PAYMENT, id=name, transaction=None) for name in ("first", "second", "third"))
        old = await take(ledger, first, purchase="my key")
        clock.advance(LEASE_S)
        new = await take(ledger, second, purchase="my key")
        assert old is not None
        assert new is not None
        assert not await ledger.begin_settlement(old, lease_s=LEASE_S)
        assert await ledger.begin_settlement(new, lease_s=LEASE_S)
        clock.advance(10 * LEASE_S)
        assert await take(ledger, third, purchase="my key") is None

    async def test_whose_lease_ended_can_neither_renew_nor_begin(
        self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock
    ) -> None:
        """Although nobody else has come: a buyer may have been told meanwhile that this payment is not charged."""
        claim = await taken(ledger)
        clock.advance(LEASE_S)
        for each in (ledger, elsewhere):
            assert not await each.renew([claim], lease_s=LEASE_S)
            assert await each.begin_settlement(claim, lease_s=LEASE_S) is None
        entry = await found(ledger)
        assert (entry.state, entry.lease_runs, entry.is_abandoned) == (State.CLAIMED, False, True)
        assert entry.lease_until == clock.now

    async def test_says_whether_a_lease_runs(self, ledger: Ledger, clock: FakeClock) -> None:
        await settling(ledger)
        assert (await found(ledger)).lease_runs
        clock.advance(LEASE_S)
        [entry] = await ledger.in_doubt({PAYMENT.rail}, 10)
        assert not entry.lease_runs
        assert not entry.is_abandoned

    async def test_a_refusal_takes_an_abandoned_payment_from_its_old_holder(
        self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock
    ) -> None:
        """For good, even if the clock is set back."""
        claim = await taken(ledger)
        assert not await ledger.refuse(PAYMENT.id, PAYMENT.rail)
        clock.advance(LEASE_S)
        assert await elsewhere.refuse(PAYMENT.id, PAYMENT.rail)
        clock.advance(-LEASE_S)
        assert not await ledger.renew([claim], lease_s=LEASE_S)
        assert not await ledger.begin_settlement(claim, lease_s=LEASE_S)

    @pytest.mark.parametrize("known", [False, True])
    async def test_whoever_looked_up_before_a_refusal_cannot_claim_after_it(
        self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock, known: bool
    ) -> None:
        """The buyer was told that nothing was charged, and may have paid anew. Who looks up later can claim."""
        if known:
            await taken(ledger)
            clock.advance(LEASE_S)
        seen = await ledger.find(PAYMENT.id)
        assert await elsewhere.refuse(PAYMENT.id, PAYMENT.rail)
        clock.advance(-5 * LEASE_S)
        assert await take(ledger, seen=seen) is None
        clock.advance(5 * LEASE_S)
        assert await take(ledger, seen=seen) is None
        assert await take(ledger)

    @pytest.mark.parametrize("state", [State.CLAIMED, State.SETTLING])
    async def test_whoever_looked_up_before_a_release_cannot_claim_after_it(self, ledger: Ledger, state: State) -> None:
        assert await ledger.release(await (taken if state is State.CLAIMED else settling)(ledger))
        assert await take(ledger, seen=None) is None
        assert await take(ledger)

    async def test_a_refusal_and_a_claim_at_once_are_never_both_granted(
        self, ledger: Ledger, elsewhere: Ledger
    ) -> None:
        for n in range(20):
            payment = replace(PAYMENT, id=f"payment {n}", payer=f"payer {n}", transaction=None)
            refused, claim = await asyncio.gather(
                elsewhere.refuse(payment.id, payment.rail), take(ledger, payment, seen=None)
            )
            assert refused == (claim is None)

    async def test_an_abandoned_payment_keeps_no_name_and_no_transaction(self, ledger: Ledger) -> None:
        claim = await take(ledger, purchase="a purchase")
        assert claim
        assert await ledger.release(claim)
        assert await ledger.find_purchase("a purchase") is None
        assert await take(ledger, replace(PAYMENT, id="another"), purchase="a purchase")

    async def test_lengthens_a_lease_for_its_holder(self, ledger: Ledger, clock: FakeClock) -> None:
        claim = await taken(ledger)
        clock.advance(LEASE_S - 1)
        assert not await ledger.renew([Claim(claim.payment_id, "stranger")], lease_s=LEASE_S)
        assert await ledger.renew([claim], lease_s=LEASE_S)
        clock.advance(LEASE_S - 1)
        assert await take(ledger) is None
        await ledger.begin_settlement(claim, lease_s=LEASE_S)
        assert not await ledger.renew([claim], lease_s=10 * LEASE_S)

    async def test_forgets_abandoned_claims_and_nothing_else(self, ledger: Ledger, clock: FakeClock) -> None:
        await settling(ledger, replace(PAYMENT, id="in doubt", transaction=None))
        await taken(ledger)
        clock.advance(LEASE_S + 9)
        await taken(ledger, replace(PAYMENT, id="at work", transaction=None))
        assert await ledger.forget_abandoned(silent_s=10) == 0
        clock.advance(1)
        assert await ledger.forget_abandoned(silent_s=10) == 1
        assert await ledger.find(PAYMENT.id) is None
        assert await ledger.find("in doubt")
        assert await ledger.find("at work")
