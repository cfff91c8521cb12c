"""Leases of all claims are renewed by one heartbeat."""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from errors import LedgerUnavailable
from payments.lease import Leases
from payments.ledger import Claim
from storage import Database, SqlLedger
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, take
from tests.empty_ledger import empty_ledger

BEAT_S = 0.1
"""Leases themselves last longer: a machine that stands still for a moment must not end them."""


class CountingLedger(SqlLedger):
    """Remembers of how many claims it was asked at a time; does not answer the first question."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked: list[int] = []

    async def renew(self, claims: Collection[Claim], *, lease_s: float) -> set[Claim]:
        self.asked.append(len(claims))
        if len(self.asked) == 1:
            raise LedgerUnavailable("The ledger does not answer.")
        return await super().renew(claims, lease_s=LEASE_S)


async def test_one_statement_renews_all_claims_and_forgets_those_that_were_lost(tmp_path: Path) -> None:
    url = empty_ledger(tmp_path / "ledger.sqlite3")
    async with Database(url) as database, AsyncExitStack() as working:
        ledger = CountingLedger(database)
        leases = Leases(ledger, lease_s=4 * BEAT_S)
        for number in range(30):
            claim = await take(ledger, replace(PAYMENT, id=f"{number}", payer=f"{number}", transaction=None))
            assert claim
            await working.enter_async_context(leases.keep_claim_alive(claim))
        before = len(ledger.asked)
        assert claim
        assert await ledger.release(claim)
        async with asyncio.timeout(10):
            while len(ledger.asked) < before + 4:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(BEAT_S)
    assert len(ledger.asked) < 100
    assert ledger.asked[before + 1] in {29, 30}
    assert ledger.asked[before + 3] == 29
    asked = len(ledger.asked)
    await asyncio.sleep(4 * BEAT_S)
    assert len(ledger.asked) == asked


async def test_a_claim_that_comes_while_the_last_one_goes_is_renewed(tmp_path: Path) -> None:
    url = empty_ledger(tmp_path / "ledger.sqlite3")
    async with Database(url) as database:
        ledger = CountingLedger(database)
        leases = Leases(ledger, lease_s=4 * BEAT_S)
        first, second = [
            await take(ledger, replace(PAYMENT, id=each, payer=each, transaction=None)) for each in ("first", "second")
        ]
        assert first
        assert second

        async def come_after() -> None:
            async with leases.keep_claim_alive(second):
                await asyncio.sleep(4 * BEAT_S)

        async with asyncio.TaskGroup() as tasks, leases.keep_claim_alive(first):
            await asyncio.sleep(0)
            tasks.create_task(come_after())  # it begins while the first one waits for its heartbeat to end
    assert ledger.asked
