"""What is recorded gets into a block, whatever happened to it, and whoever looks."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest
from eth_account import Account

from payments.outbox import Sent
from payments.x402.fees import Fees
from payments.x402.rpc import Rpc
from payments.x402.settlement_key import SettlementKey
from payments.x402.tender import KEPT_BLOCKS, Tender, View
from sandbox import chains
from sandbox.accounts import STRANGER
from sandbox.chains import BaseChain
from storage import SqlOutbox
from tests.contracts.outbox_contract import SENT
from tests.payments.x402.miner import mine, standing_still, until_mined

GWEI = 10**9
PLENTY = Fees(4 * GWEI, 10**6)
Build = Callable[..., Tender]


def new_key(chain: BaseChain) -> SettlementKey:
    """A settlement key of this test alone, with gas."""
    key: str = Account.create().key.to_0x_hex()
    made = SettlementKey(key, chain_id=BaseChain.chain_id)
    chain.rpc.call("anvil_setBalance", made.address, hex(10**18))
    return made


@pytest.fixture(scope="module")
def base_chain() -> Iterator[BaseChain]:
    """A chain of these tests alone: they set its fees and its time."""
    with chains.base_chain() as chain:
        yield chain


@pytest.fixture
def key(base_chain: BaseChain) -> SettlementKey:
    return new_key(base_chain)


@pytest.fixture
async def build(rpc_url: str, outbox: SqlOutbox, key: SettlementKey) -> AsyncIterator[Build]:
    """Makes the tender of one more process."""
    opened: list[Rpc | Tender] = []

    def build(key: SettlementKey = key, bump_after_s: float = 60.0, cap: int = 10 * GWEI) -> Tender:
        rpc = Rpc((rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id)
        tender = Tender(
            rpc,
            outbox,
            key,
            chain_id=BaseChain.chain_id,
            bump_after_s=bump_after_s,
            cap=cap,
        )
        opened.extend((rpc, tender))
        return tender

    yield build
    for each in reversed(opened):
        await each.aclose()


async def recorded(outbox: SqlOutbox, key: SettlementKey, nonce: int = 0, fees: Fees = PLENTY) -> Sent:
    """A transaction as it stands in the outbox before it is sent."""
    sent = key.sign(STRANGER.address, "0x", nonce=nonce, fees=fees, reference=f"payment {nonce}")
    assert await outbox.record(sent, not_after=math.inf)
    return sent


def post(chain: BaseChain, sent: Sent) -> None:
    chain.rpc.call("eth_sendRawTransaction", "0x" + sent.raw.hex())


@pytest.mark.parametrize(
    ("mined", "known", "taken", "free"),
    [
        (5, 5, [], 5),
        (5, 8, [5, 6, 7], 8),
        (5, 5, [5, 6, 7], 8),  # a node that is late
        (5, 8, [], 8),  # somebody else's
        (5, 5, [5, 7], 6),  # one in between was withdrawn
        (5, 6, [5, 6, 8], 7),
        (6, 5, [5], 6),  # two nodes
    ],
)
def test_takes_the_lowest_free_nonce(mined: int, known: int, taken: list[int], free: int) -> None:
    assert View(mined, known, [replace(SENT, nonce=nonce) for nonce in taken]).free == free


async def test_sends_what_was_recorded_and_never_sent(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    """A crash in between left a gap, and a later transaction waits behind it."""
    lost, waiting = [await recorded(outbox, key, nonce) for nonce in range(2)]
    post(base_chain, waiting)
    build().keep()
    await until_mined(base_chain, lost.hash, waiting.hash)


async def test_sends_again_what_the_node_has_dropped(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    with standing_still(base_chain):
        sent = await recorded(outbox, key)
        post(base_chain, sent)
        base_chain.rpc.call("anvil_dropTransaction", sent.hash)
    build().keep()
    await until_mined(base_chain, sent.hash)
    [again] = await outbox.of(sent.reference)
    assert (again.hash, again.attempt) == (sent.hash, 2)


@pytest.mark.parametrize("dropped", [False, True])
async def test_raises_the_fees_of_what_is_stuck(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, dropped: bool
) -> None:
    """The base fee rose above what it offers; also when the node has dropped it for that."""
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        stuck = await recorded(outbox, key, fees=Fees(GWEI, 10**6))
        post(base_chain, stuck)
        if dropped:
            base_chain.rpc.call("anvil_dropTransaction", stuck.hash)
        await asyncio.sleep(1.2)
        mine(base_chain, base_fee_wei=3 * GWEI)
        build(bump_after_s=0.5).keep()
        better = await _another(outbox, stuck)
        mine(base_chain, base_fee_wei=3 * GWEI)
        await until_mined(base_chain, better.hash)
    assert better.nonce == stuck.nonce
    assert (better.to, better.data) == (stuck.to, stuck.data)
    assert better.max_fee >= 3 * GWEI
    assert better.max_tip * 8 >= stuck.max_tip * 9
    assert base_chain.rpc.call("eth_getTransactionReceipt", stuck.hash) is None


async def test_raises_no_fees_above_the_cap(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        stuck = await recorded(outbox, key, fees=Fees(GWEI, 10**6))
        post(base_chain, stuck)
        await asyncio.sleep(1.2)
        mine(base_chain, base_fee_wei=3 * GWEI)
        await build(bump_after_s=0.5, cap=2 * GWEI).tend(key.address)
    assert await outbox.of(stuck.reference) == [stuck]


async def test_raises_no_fees_while_the_chain_stands_still(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    with standing_still(base_chain):
        await asyncio.sleep(_time(base_chain) - time.time() + 0.1)
        sent = await recorded(outbox, key)
        post(base_chain, sent)
        await asyncio.sleep(0.2)
        await build(bump_after_s=0.1).tend(key.address)
    assert await outbox.of(sent.reference) == [sent]


async def test_tends_what_an_earlier_key_has_left(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    """It sends it again; it cannot raise its fees."""
    earlier = new_key(base_chain)
    left = await recorded(outbox, earlier)
    build(key, bump_after_s=0.0).keep()
    await until_mined(base_chain, left.hash)
    [again] = await outbox.of(left.reference)
    assert again.raw == left.raw


async def test_of_two_that_tend_one_sends(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    """The other finds the record changed. Nothing that they do costs the payment its transaction."""
    sent = await recorded(outbox, key)
    await asyncio.sleep(2.1)
    await asyncio.gather(*(build().tend(key.address) for _ in range(2)))
    [again] = await outbox.of(sent.reference)
    assert again.attempt == 2
    assert not await outbox.withdraw(sent)


async def test_forgets_what_lies_deep_in_the_chain(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey
) -> None:
    sent = await recorded(outbox, key)
    post(base_chain, sent)
    await until_mined(base_chain, sent.hash)
    tender = build()
    tender.keep()
    await asyncio.sleep(1)
    assert await outbox.of(sent.reference) == [sent]
    base_chain.rpc.call("anvil_mine", hex(KEPT_BLOCKS + 1))
    tender.keep()
    async with asyncio.timeout(10):
        while await outbox.senders(BaseChain.chain_id):  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.1)


async def _another(outbox: SqlOutbox, than: Sent) -> Sent:
    async with asyncio.timeout(10):
        while True:
            [sent] = await outbox.of(than.reference)
            if sent.hash != than.hash:
                return sent
            await asyncio.sleep(0.05)


def _time(chain: BaseChain) -> int:
    return int(chain.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
