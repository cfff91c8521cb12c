"""Settlements by a remote signer: as good as with the key in memory, and without a signature nothing happens."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.evm.remote_signer import SILENT, WRONG
from payments.order import Order
from payments.x402.rail import X402Rail
from sandbox.accounts import SETTLER
from sandbox.chains import BaseChain
from storage import Database, SqlLock, SqlOutbox
from tests.contracts.rail_contract import UNITS
from tests.fakes.remote_signer import LIES, REFUSALS, Answer, RemoteSigner, remote_signer
from tests.loop_time import loop_time
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder

TIMEOUT_S = 1.0


@pytest.fixture
def served() -> Iterator[tuple[RemoteSigner, str]]:
    with remote_signer() as served:
        yield served


@pytest.fixture
def fake(served: tuple[RemoteSigner, str]) -> RemoteSigner:
    return served[0]


def by_signer(url: str, **settings: object) -> dict[str, Any]:
    """Settings of a rail whose settlement key is at a signer."""
    signer = {"signer_url": url, "signer_address": SETTLER.address, "signer_timeout_s": TIMEOUT_S}
    return {"settlement_key": None, "doubt_s": 0.5, **signer, **settings}


@pytest.fixture
def rail(new_rail: RailBuilder, served: tuple[RemoteSigner, str]) -> X402Rail:
    return new_rail(**by_signer(served[1]))


async def test_anvil_signs_for_a_sale(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """A signer that we have not written: the account is its own, and this process never sees the key."""
    rail = new_rail(**by_signer(base_chain.rpc_url))
    assert await rail.health() is None
    before = buyer.received()
    credential = await bought(rail, buyer, order)
    receipt = await rail.bind(credential).settle(await rail.bind(credential).verify(order))
    assert buyer.received() == before + UNITS
    found = base_chain.rpc.call("eth_getTransactionReceipt", receipt.transaction)
    assert found["from"] == SETTLER.address.lower()


SOME = ("another nonce", "another recipient", "another chain", "another key")
UNSIGNED = {name: LIES[name] for name in SOME} | dict(REFUSALS)


@pytest.mark.parametrize("answer", UNSIGNED.values(), ids=UNSIGNED)
async def test_without_a_signature_nothing_is_recorded_and_nothing_sent(
    rail: X402Rail, fake: RemoteSigner, buyer: X402Buyer, order: Order, outbox: SqlOutbox, answer: Answer
) -> None:
    """The buyer sends the same payment again, and pays once."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    fake.answer = answer
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    assert fake.asked_to_settle
    assert await outbox.of(payment.id) == []
    assert await rail.find_receipt(payment) is None
    assert buyer.received() == before
    fake.recover()
    await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS


async def test_a_signer_that_is_out_is_found_before_the_work(
    rail: X402Rail, fake: RemoteSigner, buyer: X402Buyer, order: Order
) -> None:
    """503 with the proof that nothing moved; and the rail is not quoted, with a sentence that names the signer."""
    credential = await bought(rail, buyer, order)
    fake.hangs = True
    with pytest.raises(RailUnavailable, match=SILENT):
        await rail.bind(credential).verify(order)
    assert await rail.health() == SILENT
    fake.recover()
    fake.answer = LIES["another chain"]
    with pytest.raises(RailUnavailable, match=WRONG):
        await rail.bind(credential).verify(order)
    assert await rail.health() == WRONG
    assert fake.asked_to_settle == []
    fake.recover()
    assert await rail.health() is None
    await rail.bind(credential).verify(order)


async def test_a_signer_that_hangs_holds_up_other_settlements_once(
    new_rail: RailBuilder,
    served: tuple[RemoteSigner, str],
    base_chain: BaseChain,
    buyer: X402Buyer,
    order: Order,
    database: Database,
) -> None:
    """Several wait in the process whose signer hangs, one in another process: it settles after one time limit."""
    fake, url = served
    locks = [SqlLock(database, "x402 settlement") for _ in range(2)]
    hanging = new_rail(**by_signer(url, lock=locks[0]))
    healthy = new_rail(**by_signer(base_chain.rpc_url, doubt_s=5, lock=locks[1]))
    before = buyer.received()
    credentials = [await bought(hanging, buyer, order) for _ in range(5)]
    payments = [await hanging.bind(credential).verify(order) for credential in credentials]
    fake.hangs = True
    *waiting, other = zip(credentials, payments, strict=True)
    stuck = [asyncio.create_task(hanging.bind(credential).settle(payment)) for credential, payment in waiting]
    async with asyncio.timeout(5):
        while not fake.asked_to_settle:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    async with loop_time() as passed:
        await healthy.bind(other[0]).settle(other[1])
    assert passed.seconds < TIMEOUT_S + 2  # of which a block takes one
    outcomes = await asyncio.gather(*stuck, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [PaymentOutcomeUnknown] * 4
    assert len(fake.asked_to_settle) == 1
    assert buyer.received() == before + UNITS


async def test_a_settlement_that_is_given_up_while_it_is_signed_leaves_nothing(
    rail: X402Rail,
    new_rail: RailBuilder,
    fake: RemoteSigner,
    base_chain: BaseChain,
    buyer: X402Buyer,
    order: Order,
    outbox: SqlOutbox,
) -> None:
    """Nobody holds the lock any more, nothing is recorded, and the signature that comes too late counts for nothing."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    fake.hangs = True
    settling = asyncio.create_task(rail.bind(credential).settle(payment))
    async with asyncio.timeout(5):
        while not fake.asked_to_settle:  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.01)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    fake.recover()
    assert await outbox.of(payment.id) == []
    assert await rail.find_receipt(payment) is None
    elsewhere, before = new_rail(**by_signer(base_chain.rpc_url)), buyer.received()
    await elsewhere.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS
