"""What every outbox promises, as one class of tests: inherit it and provide the fixture at its top."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from payments.outbox import Outbox, Sent
from payments.rail import NO_HOLD
from tests.begun import Begun

CHAIN = 84532
OURS, PREVIOUS = "0xOurs", "0xPrevious"
SENT = Sent(
    chain_id=CHAIN,
    sender=OURS,
    nonce=7,
    reference="eip155:84532:0xasset:0xpayer:0x01",
    hash="0x71",
    raw=b"\x02\x00\xff",
    to="0xToken",
    data="0xa9",
    max_fee=2**255,
    max_tip=10**6,
    attempt=1,
    sent_at=1_800_000_000.25,
)
BUMPED = replace(SENT, hash="0x72", raw=b"\x03", max_fee=2**255 + 1, attempt=2, sent_at=SENT.sent_at + 15)


class OutboxContract:
    """Inherit as `class TestMyOutbox(OutboxContract)`."""

    @pytest.fixture
    def build(self) -> Callable[[], Outbox]:
        """Opens the test's store, as one more process would, and closes it after the test; it is empty at first."""
        raise NotImplementedError

    @pytest.fixture
    def begun(self) -> Begun:
        """Over the ledger that the store belongs to."""
        raise NotImplementedError

    @pytest.fixture
    def outbox(self, build: Callable[[], Outbox]) -> Outbox:
        return build()

    @pytest.fixture
    def elsewhere(self, build: Callable[[], Outbox]) -> Outbox:
        """The same store through connections of its own."""
        return build()

    async def test_is_empty_at_first(self, outbox: Outbox) -> None:
        assert await outbox.senders(CHAIN) == []
        assert await outbox.of(SENT.reference) == []
        assert await outbox.since(CHAIN, OURS, 0) == []

    async def test_remembers_a_transaction_in_full(self, outbox: Outbox, elsewhere: Outbox, begun: Begun) -> None:
        assert await outbox.record(SENT, await begun.hold(SENT.reference))
        assert await elsewhere.of(SENT.reference) == [SENT]

    async def test_a_nonce_has_one_record(self, outbox: Outbox, elsewhere: Outbox, begun: Begun) -> None:
        """Of one sender on one chain."""
        assert await outbox.record(SENT, await begun.hold(SENT.reference))
        assert not await elsewhere.record(replace(SENT, reference="another", hash="0x99"), await begun.hold("another"))
        assert await elsewhere.record(replace(SENT, sender=PREVIOUS), await begun.hold(SENT.reference))
        assert await elsewhere.record(replace(SENT, chain_id=8453), await begun.hold(SENT.reference))
        assert await outbox.since(CHAIN, OURS, 0) == [SENT]

    async def test_records_nothing_too_late(self, outbox: Outbox, begun: Begun) -> None:
        """By the store's own clock, which goes right to within a few seconds."""
        hold = await begun.hold(SENT.reference)
        assert not await outbox.record(SENT, replace(hold, not_after=time.time() - 5))
        assert await outbox.of(SENT.reference) == []
        assert await outbox.record(SENT, replace(hold, not_after=time.time() + 5))

    async def test_records_for_nobody_but_who_is_settling_the_payment(self, outbox: Outbox, begun: Begun) -> None:
        """Whatever the clock shows: it may have been set ahead, so that others took the payment over, and back."""
        hold = await begun.hold(SENT.reference)
        for other in (NO_HOLD, replace(hold, holder="another"), await begun.hold("another payment")):
            assert not await outbox.record(SENT, other)
        assert await outbox.record(SENT, hold)

    async def test_records_nothing_for_a_payment_that_is_not_being_settled(self, outbox: Outbox, begun: Begun) -> None:
        """Its settlement has ended, or it is not known at all."""
        hold = await begun.hold(SENT.reference)
        await begun.end(SENT.reference)
        assert not await outbox.record(SENT, hold)
        assert not await outbox.record(replace(SENT, reference="unknown"), hold)

    async def test_replaces_the_latest_attempt_only(self, outbox: Outbox, elsewhere: Outbox, begun: Begun) -> None:
        await outbox.record(SENT, await begun.hold(SENT.reference))
        assert await elsewhere.renew(SENT, BUMPED)
        assert not await outbox.renew(SENT, replace(BUMPED, hash="0x73"))
        assert await outbox.of(SENT.reference) == [BUMPED]

    async def test_withdraws_the_latest_attempt_only(self, outbox: Outbox, elsewhere: Outbox, begun: Begun) -> None:
        """Once somebody else may have sent it again, nobody can say that it is nowhere."""
        await outbox.record(SENT, await begun.hold(SENT.reference))
        again = replace(SENT, attempt=2)
        assert await elsewhere.renew(SENT, again)
        assert not await outbox.withdraw(SENT)
        assert await outbox.withdraw(again)
        assert not await outbox.withdraw(again)
        assert await outbox.of(SENT.reference) == []

    async def test_what_was_withdrawn_is_not_sent_again(self, outbox: Outbox, elsewhere: Outbox, begun: Begun) -> None:
        await outbox.record(SENT, await begun.hold(SENT.reference))
        assert await outbox.withdraw(SENT)
        assert not await elsewhere.renew(SENT, BUMPED)
        assert await outbox.since(CHAIN, OURS, 0) == []

    async def test_forgets_a_sender_s_lower_nonces(self, outbox: Outbox, begun: Begun) -> None:
        for nonce in (12, 7, 9, 100):
            reference = f"payment {nonce}"
            await outbox.record(replace(SENT, nonce=nonce, reference=reference), await begun.hold(reference))
            await begun.end(reference)
        await outbox.record(replace(SENT, sender=PREVIOUS), await begun.hold(SENT.reference))
        await outbox.forget(CHAIN, OURS, below=12)
        assert [sent.nonce for sent in await outbox.since(CHAIN, OURS, 0)] == [12, 100]
        assert [sent.nonce for sent in await outbox.since(CHAIN, OURS, 13)] == [100]
        assert sorted(await outbox.senders(CHAIN)) == [OURS, PREVIOUS]
        assert await outbox.senders(8453) == []
