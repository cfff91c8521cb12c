"""A slow database: settlements have priority, reads do not wait for writes, leases are cheap."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from errors import LedgerUnavailable, PaymentState
from payments.ledger import Claim, State
from payments.rail import Credential
from payments.receipts.sold import Sold
from payments.settlement import Settlement
from storage import Database, SqlLedger, SqlOutbox, SqlRateLimits
from storage.turns import Rank, Turns
from tests.contracts.ledger_entries import PAYMENT, take, taken
from tests.fakes.rails import ScriptedRail
from tests.storage.stalls import stalled

BURST = 30


COUNTERS = "rate_limits"
PAYMENTS = "payments IN EXCLUSIVE MODE"  # blocks writes and no reads


async def test_a_settlement_has_priority_over_a_burst_of_writes(url: str) -> None:
    """It waits for one write in progress at most, and on PostgreSQL for none."""
    done: list[str] = []
    async with Database(url, timeout_s=20, brief_timeout_s=20) as database:
        ledger, counters = SqlLedger(database), SqlRateLimits(database)
        claim = await taken(ledger)

        async def count(number: int) -> None:
            await counters.incr(f"address {number}", 60)
            done.append("counted")

        async def settle() -> None:
            assert await ledger.begin_settlement(claim, lease_s=60)
            done.append("begun")

        async with stalled(url, COUNTERS), asyncio.timeout(15):
            counting = [asyncio.create_task(count(number)) for number in range(BURST)]
            await asyncio.sleep(0.2)
            settling = asyncio.create_task(settle())
            await asyncio.sleep(0.2)
        await asyncio.gather(settling, *counting)
    assert done.index("begun") <= 1


async def test_a_read_does_not_wait_for_a_write(url: str) -> None:
    async with Database(url, timeout_s=20, brief_timeout_s=20) as database:
        ledger, counters, outbox = SqlLedger(database), SqlRateLimits(database), SqlOutbox(database)
        await taken(ledger)
        async with stalled(url, COUNTERS):
            counting = [asyncio.create_task(counters.incr(f"address {number}", 60)) for number in range(BURST)]
            await asyncio.sleep(0.2)
            async with asyncio.timeout(10):
                assert await ledger.find(PAYMENT.id)
                assert await outbox.of("payment") == []
            assert not any(each.done() for each in counting)
        assert await asyncio.gather(*counting) == [1] * BURST


class StalledAtFirst(SqlLedger):
    """Writes are blocked until a settlement could not begin."""

    def __init__(self, database: Database, end: Callable[[], Awaitable[None]]) -> None:
        super().__init__(database)
        self._end = end

    async def begin_settlement(self, claim: Claim, *, lease_s: float, sold: Sold | None = None) -> float | None:
        try:
            return await super().begin_settlement(claim, lease_s=lease_s, sold=sold)
        except LedgerUnavailable:
            await self._end()
            raise


async def test_a_timeout_before_the_settlement_began_is_not_charged(url: str) -> None:
    """The database responds in time to release the claim, so nothing holds it and nothing was sent."""
    rail = ScriptedRail()
    attempt = rail.bind(Credential(PAYMENT.rail, PAYMENT.id, "print"))
    async with Database(url, timeout_s=1) as database:
        claim = await taken(SqlLedger(database))
        async with stalled(url, PAYMENTS) as end:
            ledger = StalledAtFirst(database, end)
            with pytest.raises(LedgerUnavailable) as refusal:
                await Settlement(ledger, lease_s=60).settle(claim, PAYMENT, attempt)
        assert refusal.value.payment_state is PaymentState.UNUSED
        assert refusal.value.charged is False
        entry = await ledger.find(PAYMENT.id)
        assert entry is not None
        assert entry.is_abandoned
    assert rail.called("settle") == 0


async def test_leases_are_renewed_together(url: str) -> None:
    async with Database(url) as database:
        ledger = SqlLedger(database)
        payments = [replace(PAYMENT, id=f"{n}", payer=f"payer {n}", transaction=None) for n in range(600)]
        claims = [claim for claim in [await take(ledger, each) for each in payments] if claim]
        assert len(claims) == 600
        assert await ledger.release(claims[0])
        assert await ledger.begin_settlement(claims[1], lease_s=60)
        assert await ledger.renew(claims, lease_s=600) == set(claims[2:])
        entry = await ledger.find(claims[-1].payment_id)
        assert entry is not None
        assert entry.state is State.CLAIMED
        assert entry.lease_left_s > 500


async def test_places_are_reserved_for_higher_priorities() -> None:
    turns, entered, end = Turns(5), list[Rank](), asyncio.Event()

    async def stay(rank: Rank) -> None:
        async with turns.turn(rank):
            entered.append(rank)
            await end.wait()

    others = [asyncio.create_task(stay(Rank.OTHER)) for _ in range(9)]
    await asyncio.sleep(0)
    assert entered == [Rank.OTHER] * 3
    reads = [asyncio.create_task(stay(Rank.READ)) for _ in range(2)]
    await asyncio.sleep(0)
    settling = [asyncio.create_task(stay(Rank.SETTLEMENT)) for _ in range(2)]
    await asyncio.sleep(0)
    assert entered[3:] == [Rank.READ, Rank.SETTLEMENT]
    end.set()
    await asyncio.gather(*others, *reads, *settling)
    assert entered[5:7] == [Rank.SETTLEMENT, Rank.READ]


async def test_a_cancelled_waiter_takes_no_place() -> None:
    turns = Turns(3)

    async def work() -> None:
        async with turns.turn(Rank.OTHER):
            await asyncio.sleep(0.01)

    working = [asyncio.create_task(work()) for _ in range(20)]
    await asyncio.sleep(0)
    for each in working[::2]:
        each.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    async with asyncio.timeout(10), turns.turn(Rank.OTHER):
        pass
