"""Each refund is recorded once, on both databases, whoever else records one at the same time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from payments.refunds import Refund
from storage import Database, RecordState, SqlRecords, SqlRefunds
from tests.storage.planting import planted

REFUND = Refund(
    payment_id="final",
    chain_id=84532,
    sender="0xSender",
    nonce=7,
    token="0xtoken",
    recipient="0xpayer",
    amount=2**255,
    hash="0x71",
    raw=b"\x02\x00\xff",
)


@pytest.fixture
async def database(process: Callable[[], Database]) -> Database:
    """With a payment that can be refunded."""
    opened = process()
    await planted(opened, RecordState.FINAL)
    return opened


async def test_remembers_a_refund_in_full_until_it_is_final(database: Database) -> None:
    refunds = SqlRefunds(database)
    assert await refunds.record(REFUND)
    found = await refunds.find("final")
    assert found is not None
    assert replace(found, made_at=0.0) == REFUND
    assert found.made_at > 1_700_000_000
    assert await refunds.under_way(84532, "0xSender") == [found]
    assert await refunds.final(REFUND)
    assert not await refunds.final(REFUND)
    assert not await refunds.withdraw(REFUND)
    ended = await refunds.find("final")
    assert ended is not None
    assert ended.final_at is not None
    assert await refunds.under_way(84532, "0xSender") == []


async def test_a_withdrawn_one_makes_room_for_another(database: Database) -> None:
    refunds = SqlRefunds(database)
    assert await refunds.record(REFUND)
    assert not await refunds.withdraw(replace(REFUND, hash="0x72"))
    assert await refunds.withdraw(REFUND)
    assert await refunds.find("final") is None
    assert await refunds.record(replace(REFUND, hash="0x72"))


@pytest.mark.parametrize("state", [each for each in RecordState if each is not RecordState.FINAL])
async def test_only_what_is_settled_and_final_can_be_refunded(database: Database, state: RecordState) -> None:
    payment = await planted(database, state)
    refunds = SqlRefunds(database)
    assert not await refunds.record(replace(REFUND, payment_id=payment))
    assert await refunds.find(payment) is None
    assert not await refunds.record(replace(REFUND, payment_id="unknown"))


async def test_of_many_at_once_one_is_recorded(process: Callable[[], Database], database: Database) -> None:
    stores = [SqlRefunds(process()) for _ in range(4)]
    wanted = [replace(REFUND, nonce=number, hash=f"0x{number}") for number in range(12)]
    recorded = await asyncio.gather(*(stores[each.nonce % 4].record(each) for each in wanted))
    assert recorded.count(True) == 1


async def test_a_nonce_belongs_to_one_refund(process: Callable[[], Database], database: Database) -> None:
    payments = [await planted(database, RecordState.FINAL, f"payment {number}") for number in range(8)]
    stores = [SqlRefunds(process()) for _ in range(4)]
    wanted = [replace(REFUND, payment_id=each, hash=each) for each in payments]
    recorded = await asyncio.gather(*(stores[place % 4].record(each) for place, each in enumerate(wanted)))
    assert recorded.count(True) == 1


async def test_the_books_have_it_as_soon_as_it_is_recorded(database: Database) -> None:
    await planted(database, RecordState.FINAL, "kept")
    part = replace(REFUND, amount=20_000)
    assert await SqlRefunds(database).record(part)
    records = SqlRecords(database)
    [back] = [each.refunded for each in await records.find("final")]
    assert back is not None
    assert (back.amount, back.transaction, back.is_final) == (20_000, "0x71", False)
    [earned] = await records.earned(0, 1e15)
    assert (earned.payments, earned.amount, earned.refunded) == (2, 100_000, 20_000)
    assert await SqlRefunds(database).final(part)
    [again] = [each.refunded for each in await records.find("final")]
    assert again is not None
    assert again.is_final
    assert [each.refunded for each in await records.find("kept")] == [None]
