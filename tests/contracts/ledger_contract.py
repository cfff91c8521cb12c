"""What every ledger promises, as one class of tests: inherit it and provide the fixture `build`."""

import asyncio
from dataclasses import replace

import pytest

from errors import PaymentUsed
from payments.ledger import Claim, Ledger, State
from tests.contracts.ledger_claims import ClaimContract
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, SOLD, found, settling, take, taken
from tests.fakes.clock import FakeClock


class LedgerContract(ClaimContract):
    """Inherit as `class TestMyLedger(LedgerContract)`. Adds settlements, doubts and re-deliveries to claims."""

    async def test_remembers_what_is_sold_before_the_money_moves(self, ledger: Ledger, elsewhere: Ledger) -> None:
        """So that a receipt can be given whatever happens to the process that sold it; nobody else finds it before."""
        assert await ledger.begin_settlement(await taken(ledger), lease_s=LEASE_S, sold=SOLD)
        assert (await found(elsewhere)).sold == SOLD
        assert await elsewhere.find_receipt(SOLD.receipt_id) is None
        await elsewhere.settled(PAYMENT.id, RECEIPT)
        entry = await elsewhere.find_receipt(SOLD.receipt_id)
        assert entry is not None
        assert (entry.payment, entry.receipt, entry.sold) == (PAYMENT, RECEIPT, SOLD)
        assert await elsewhere.find_receipt("unguessed") is None

    async def test_forgets_what_was_not_sold_after_all(self, ledger: Ledger) -> None:
        """The next one that settles it has sold something of its own."""
        claim = await taken(ledger)
        assert await ledger.begin_settlement(claim, lease_s=LEASE_S, sold=SOLD)
        assert await ledger.release(claim)
        assert (await found(ledger)).sold is None
        other = replace(SOLD, receipt_id="another", output_sha256="dd" * 32)
        assert await ledger.begin_settlement(await taken(ledger), lease_s=LEASE_S, sold=other)
        assert (await found(ledger)).sold == other

    async def test_settles_without_a_word_of_what_is_sold(self, ledger: Ledger) -> None:
        """As versions without receipts did."""
        await settling(ledger)
        assert (await found(ledger)).sold is None

    async def test_never_gives_away_what_may_have_moved(self, ledger: Ledger, clock: FakeClock) -> None:
        claim = await settling(ledger)
        clock.advance(10 * LEASE_S)
        assert await take(ledger) is None
        assert (await found(ledger)).holder == claim.holder
        assert await ledger.settled(PAYMENT.id, RECEIPT)
        assert await take(ledger) is None

    async def test_says_that_a_transaction_has_settled(self, ledger: Ledger) -> None:
        await settling(ledger)
        await ledger.settled(PAYMENT.id, RECEIPT)
        with pytest.raises(PaymentUsed) as refusal:
            await take(ledger, replace(PAYMENT, id="another"))
        assert (refusal.value.payment_state, refusal.value.charged) == ("settled", True)

    async def test_takes_the_name_of_a_purchase_from_what_can_no_longer_be_fetched(
        self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock
    ) -> None:
        """Too old, or fetched too often; never from one that is entitled or under way."""
        for number, (at_most, age_s) in enumerate(((5, 60), (1, 100))):
            key, payment = f"key {number}", replace(PAYMENT, id=f"payment {number}", transaction=None)
            claim = await take(ledger, payment, purchase=key)
            assert claim is not None
            assert not await ledger.free_purchase(key, at_most=0, not_after_s=-1)
            assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
            assert not await ledger.free_purchase(key, at_most=0, not_after_s=-1)
            assert await ledger.settled(payment.id, replace(RECEIPT, transaction=f"0x{number}"))
            assert await ledger.count_delivery(payment.id, at_most=5, not_after_s=1000)
            assert not await ledger.free_purchase(key, at_most=5, not_after_s=100)
            clock.advance(61)
            freed = [await each.free_purchase(key, at_most=at_most, not_after_s=age_s) for each in (ledger, elsewhere)]
            assert freed == [True, False]
            assert await ledger.find_purchase(key) is None
            assert await take(ledger, replace(payment, id=f"next {number}"), purchase=key) is not None

    async def test_nothing_that_may_have_moved_is_refused(self, ledger: Ledger, clock: FakeClock) -> None:
        await settling(ledger)
        clock.advance(LEASE_S)
        assert not await ledger.refuse(PAYMENT.id, PAYMENT.rail)
        await ledger.settled(PAYMENT.id, RECEIPT)
        assert not await ledger.refuse(PAYMENT.id, PAYMENT.rail)
        assert (await found(ledger)).receipt == RECEIPT

    async def test_begins_a_settlement_once_and_only_for_the_holder(self, ledger: Ledger, clock: FakeClock) -> None:
        claim = await taken(ledger)
        assert not await ledger.begin_settlement(Claim(claim.payment_id, "stranger"), lease_s=LEASE_S)
        clock.advance(LEASE_S - 1)
        assert await ledger.begin_settlement(claim, lease_s=LEASE_S) == clock.now + LEASE_S
        assert not await ledger.begin_settlement(claim, lease_s=LEASE_S)
        entry = await found(ledger)
        assert (entry.state, entry.lease_until) == (State.SETTLING, clock.now + LEASE_S)

    async def test_settles_only_what_is_settling(self, ledger: Ledger) -> None:
        assert not await ledger.settled(PAYMENT.id, RECEIPT)
        claim = await taken(ledger)
        assert not await ledger.settled(PAYMENT.id, RECEIPT)
        await ledger.begin_settlement(claim, lease_s=LEASE_S)
        assert await ledger.settled(PAYMENT.id, RECEIPT)
        assert not await ledger.settled(PAYMENT.id, replace(RECEIPT, transaction="0xother"))
        entry = await found(ledger)
        assert (entry.state, entry.receipt, entry.payment) == (State.SETTLED, RECEIPT, PAYMENT)

    @pytest.mark.parametrize("state", [State.CLAIMED, State.SETTLING])
    async def test_frees_what_the_holder_releases(self, ledger: Ledger, state: State) -> None:
        claim = await (taken if state is State.CLAIMED else settling)(ledger)
        assert not await ledger.release(Claim(claim.payment_id, "stranger"))
        assert await ledger.release(claim)
        assert (await found(ledger)).is_abandoned
        assert await take(ledger)

    async def test_never_forgets_what_has_settled(self, ledger: Ledger) -> None:
        claim = await settling(ledger)
        await ledger.settled(PAYMENT.id, RECEIPT)
        assert not await ledger.release(claim)
        assert (await found(ledger)).receipt == RECEIPT

    async def test_hands_a_doubt_to_one_only(self, ledger: Ledger, elsewhere: Ledger, clock: FakeClock) -> None:
        old = await settling(ledger)
        assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S) is None
        clock.advance(LEASE_S)
        tries = (each.take_over(PAYMENT.id, lease_s=LEASE_S) for each in (ledger, elsewhere) for _ in range(10))
        [winner] = [claim for claim in await asyncio.gather(*tries) if claim]
        assert not await ledger.release(old)
        assert await ledger.release(winner)

    async def test_takes_over_nothing_but_doubts(self, ledger: Ledger, clock: FakeClock) -> None:
        assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S) is None
        await taken(ledger)
        clock.advance(LEASE_S)
        assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S) is None
        await settling(ledger)
        await ledger.settled(PAYMENT.id, RECEIPT)
        clock.advance(LEASE_S)
        assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S) is None

    async def test_leaves_a_doubt_to_the_next_one(self, ledger: Ledger) -> None:
        claim = await settling(ledger)
        await ledger.mark_unresolved(Claim(claim.payment_id, "stranger"))
        assert await ledger.in_doubt({PAYMENT.rail}, 10) == []
        await ledger.mark_unresolved(claim)
        assert await ledger.in_doubt({PAYMENT.rail}, 10) == [await found(ledger)]
        assert await ledger.in_doubt({"another rail"}, 10) == []
        assert await ledger.take_over(PAYMENT.id, lease_s=LEASE_S)

    async def test_lists_doubts_oldest_first(self, ledger: Ledger, clock: FakeClock) -> None:
        for payment_id in ("b", "a", "c"):
            await settling(ledger, replace(PAYMENT, id=payment_id, transaction=None))
            clock.advance(1)
        await taken(ledger, replace(PAYMENT, id="claimed", transaction=None))
        assert await ledger.in_doubt({PAYMENT.rail}, 10) == []
        clock.advance(2 * LEASE_S)
        assert [entry.payment.id for entry in await ledger.in_doubt({PAYMENT.rail}, 2)] == ["b", "a"]

    async def test_counts_deliveries_up_to_their_bound(self, ledger: Ledger, elsewhere: Ledger) -> None:
        await settling(ledger)
        assert not await ledger.count_delivery(PAYMENT.id, at_most=5, not_after_s=60)
        await ledger.settled(PAYMENT.id, RECEIPT)
        tries = (
            each.count_delivery(PAYMENT.id, at_most=5, not_after_s=60)
            for each in (ledger, elsewhere)
            for _ in range(10)
        )
        assert sum(await asyncio.gather(*tries)) == 5
        assert (await found(ledger)).deliveries == 5

    async def test_takes_a_count_back(self, ledger: Ledger) -> None:
        await settling(ledger)
        await ledger.settled(PAYMENT.id, RECEIPT)
        await ledger.count_delivery(PAYMENT.id, at_most=1, not_after_s=60)
        for _ in range(2):
            await ledger.uncount_delivery(PAYMENT.id)
        assert (await found(ledger)).deliveries == 0

    async def test_counts_no_delivery_after_its_time(self, ledger: Ledger, clock: FakeClock) -> None:
        """The time counts from when the ledger learnt of the settlement, however old the receipt is by then."""
        await settling(ledger)
        clock.advance(1000)
        await ledger.settled(PAYMENT.id, RECEIPT)
        clock.advance(59)
        assert await ledger.count_delivery(PAYMENT.id, at_most=5, not_after_s=60)
        clock.advance(1)
        assert not await ledger.count_delivery(PAYMENT.id, at_most=5, not_after_s=60)

    async def test_says_that_it_can_be_written(self, ledger: Ledger) -> None:
        for _ in range(2):
            await ledger.ping()
