"""What has settled is asked about until it is final; what the chain dropped is in doubt again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from errors import PaymentOutcomeUnknown
from payments.finality import AT_MOST, RAW, keep_rechecking, recheck
from payments.ledger import Entry, State
from payments.rail import Finality, Payment, Receipt
from storage import Database, SqlLedger, SqlSettled
from storage.settled import FIRST_RECHECK_S
from tests.contracts.ledger_entries import LEASE_S, PAYMENT, RECEIPT, taken
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock
from tests.fakes.rails import ScriptedRail
from tests.fakes.seller import Seller


class LookingRail(ScriptedRail):
    """Says of settlements what it is told to say."""

    def __init__(self, *answers: Finality | Exception) -> None:
        super().__init__(PAYMENT.rail)
        self.answers = list(answers)
        self.asked: list[str] = []

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        assert receipt == RECEIPT
        self.asked.append(payment.id)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def database(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    async with Database(empty_ledger(tmp_path / "ledger.sqlite3"), clock=clock) as database:
        yield database


@pytest.fixture
async def books(seller: Seller, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Database]:
    """The seller's ledger, opened a second time."""
    async with Database(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", clock=clock) as database:
        yield database


async def settle(database: Database, name: str = PAYMENT.id) -> None:
    signed = replace(PAYMENT, id=name, evidence={**PAYMENT.evidence, RAW: "0x76"}, transaction=f"transaction of {name}")
    ledger = SqlLedger(database)
    claim = await taken(ledger, signed)
    assert await ledger.begin_settlement(claim, lease_s=LEASE_S)
    assert await ledger.settled(name, RECEIPT)


async def entry(database: Database) -> Entry:
    found = await SqlLedger(database).find(PAYMENT.id)
    assert found
    return found


async def test_asks_until_it_is_final(database: Database, clock: FakeClock) -> None:
    rail = LookingRail(Finality.PENDING, PaymentOutcomeUnknown(), RuntimeError("a bug"), Finality.FINAL)
    await settle(database)
    for looks in range(1, 6):
        assert RAW in (await entry(database)).payment.evidence or looks == 5
        clock.advance(3600 * 2**looks)  # the pauses grow with the settlement's age
        await recheck({rail.name: rail}, SqlSettled(database))
    assert len(rail.asked) == 4
    assert (await entry(database)).state is State.SETTLED
    assert (await entry(database)).payment.evidence == PAYMENT.evidence


async def test_what_the_chain_dropped_is_in_doubt_again(database: Database, clock: FakeClock) -> None:
    rail = LookingRail(Finality.LOST)
    await settle(database)
    clock.advance(FIRST_RECHECK_S)
    assert await recheck({rail.name: rail}, SqlSettled(database)) == 1
    [doubt] = await SqlLedger(database).in_doubt({rail.name}, 10)
    assert doubt.payment.id == PAYMENT.id
    assert await recheck({rail.name: rail}, SqlSettled(database)) == 0


async def test_no_answer_changes_nothing(database: Database, clock: FakeClock) -> None:
    rail = LookingRail(PaymentOutcomeUnknown())
    await settle(database)
    clock.advance(FIRST_RECHECK_S)
    before = await entry(database)
    await recheck({rail.name: rail}, SqlSettled(database))
    assert await entry(database) == before


async def test_rails_that_are_switched_off_are_not_asked(database: Database, clock: FakeClock) -> None:
    await settle(database)
    clock.advance(FIRST_RECHECK_S)
    assert await recheck({"another": LookingRail()}, SqlSettled(database)) == 0


async def test_two_workers_ask_once(database: Database, clock: FakeClock) -> None:
    rail = LookingRail(*[Finality.PENDING] * 10)
    for number in range(10):
        await settle(database, f"payment {number}")
    clock.advance(FIRST_RECHECK_S)
    settled = SqlSettled(database)
    await asyncio.gather(*(recheck({rail.name: rail}, settled) for _ in range(2)))
    assert sorted(rail.asked) == [f"payment {number}" for number in range(10)]


async def test_a_backlog_is_worked_off_without_pauses(database: Database, clock: FakeClock) -> None:
    """And an outage of the ledger ends nothing."""
    count = 2 * AT_MOST + 1
    rail = LookingRail(*[Finality.FINAL] * count)
    for number in range(count):
        await settle(database, f"payment {number}")
    clock.advance(FIRST_RECHECK_S)
    keeping = asyncio.create_task(keep_rechecking({rail.name: rail}, SqlSettled(database), every_s=3600))
    async with asyncio.timeout(30):
        while len(rail.asked) < count:  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_a_lost_settlement_is_forgotten_on_the_chains_second_word(seller: Seller, books: Database) -> None:
    """Nothing moved in the end: the same payment may be used again, and is settled once more."""
    await seller.send()
    seller.rail.moved.clear()
    seller.rail.finality = Finality.LOST
    seller.clock.advance(FIRST_RECHECK_S)
    await recheck(seller.gate.rails, SqlSettled(books))
    assert await seller.resolver.resolve() == 1
    assert await seller.is_free()
    assert not (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]


async def test_a_lost_settlement_that_is_back_is_still_entitled(seller: Seller, books: Database) -> None:
    await seller.send()
    seller.rail.finality = Finality.LOST
    seller.clock.advance(FIRST_RECHECK_S)
    await recheck(seller.gate.rails, SqlSettled(books))
    assert (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]
