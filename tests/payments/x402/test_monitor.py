"""What is recorded gets into a block, whatever happened to it, and whoever looks."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest
from eth_account import Account

from payments.evm.account_key import AccountKey
from payments.evm.remote_signer import RemoteSigner
from payments.evm.rpc import RpcClient
from payments.outbox import Sent
from payments.x402.budget import Budget
from payments.x402.eip3009 import Authorization
from payments.x402.fees import PLAIN_GAS, Fees, Prices
from payments.x402.monitor import KEPT_BLOCKS, NonceState, TransactionMonitor
from payments.x402.requirements import QuoteTerms
from payments.x402.settlement_key import SettlementKey
from sandbox import chains
from sandbox.accounts import BUYER, SELLER, STRANGER
from sandbox.chains import BaseChain
from storage import SqlOutbox
from tests.begun import Begun
from tests.contracts.outbox_contract import SENT
from tests.contracts.rail_contract import NOBODY
from tests.payments.x402.budgets import GWEI, budget
from tests.payments.x402.buyer import authorize, cancel, transfer_call
from tests.payments.x402.miner import mine, standing_still, until_mined

PLENTY = Fees(4 * GWEI, 10**6)
ANYTHING = budget()
Build = Callable[..., TransactionMonitor]


def new_key(chain: BaseChain) -> SettlementKey:
    """A settlement key of this test alone, with gas."""
    key: str = Account.create().key.to_0x_hex()
    made = SettlementKey(AccountKey(key), chain_id=BaseChain.chain_id)
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
    """Makes the monitor of one more process."""
    opened: list[RpcClient | TransactionMonitor] = []

    def build(key: SettlementKey = key, bump_after_s: float = 60.0, may_cost: Budget = ANYTHING) -> TransactionMonitor:
        rpc = RpcClient((rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id)
        monitor = TransactionMonitor(
            rpc,
            outbox,
            key,
            chain_id=BaseChain.chain_id,
            bump_after_s=bump_after_s,
            budget=may_cost,
            prices=Prices(rpc),
        )
        opened.extend((rpc, monitor))
        return monitor

    yield build
    for each in reversed(opened):
        await each.aclose()


async def recorded(begun: Begun, outbox: SqlOutbox, key: SettlementKey, nonce: int = 0, fees: Fees = PLENTY) -> Sent:
    """A transaction as it stands in the outbox before it is sent."""
    sent = await key.sign(STRANGER.address, "0x", nonce=nonce, fees=fees, reference=f"payment {nonce}")
    await record(begun, outbox, sent)
    return sent


async def record(begun: Begun, outbox: SqlOutbox, sent: Sent) -> None:
    """The payment has settled since."""
    assert await outbox.record(sent, await begun.hold(sent.reference))
    await begun.end(sent.reference)


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
    assert NonceState(mined, known, [replace(SENT, nonce=nonce) for nonce in taken]).free == free


async def test_sends_what_was_recorded_and_never_sent(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    """A crash in between left a gap, and a later transaction waits behind it."""
    lost, waiting = [await recorded(begun, outbox, key, nonce) for nonce in range(2)]
    post(base_chain, waiting)
    build().start()
    await until_mined(base_chain, lost.hash, waiting.hash)


async def test_sends_again_what_the_node_has_dropped(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    with standing_still(base_chain):
        sent = await recorded(begun, outbox, key)
        post(base_chain, sent)
        base_chain.rpc.call("anvil_dropTransaction", sent.hash)
    build().start()
    await until_mined(base_chain, sent.hash)
    [again] = await outbox.of(sent.reference)
    assert (again.hash, again.attempt) == (sent.hash, 2)


@pytest.mark.parametrize("dropped", [False, True])
async def test_raises_the_fees_of_what_is_stuck(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, dropped: bool, begun: Begun
) -> None:
    """The base fee rose above what it offers; also when the node has dropped it for that."""
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        stuck = await recorded(begun, outbox, key, fees=Fees(GWEI, 10**6))
        post(base_chain, stuck)
        if dropped:
            base_chain.rpc.call("anvil_dropTransaction", stuck.hash)
        await asyncio.sleep(1.2)
        mine(base_chain, base_fee_wei=3 * GWEI)
        build(bump_after_s=0.5).start()
        better = await _another(outbox, stuck)
        mine(base_chain, base_fee_wei=3 * GWEI)
        await until_mined(base_chain, better.hash)
    assert better.nonce == stuck.nonce
    assert (better.to, better.data) == (stuck.to, stuck.data)
    assert better.max_fee >= 3 * GWEI
    assert better.max_tip * 8 >= stuck.max_tip * 9
    assert base_chain.rpc.call("eth_getTransactionReceipt", stuck.hash) is None


async def test_raises_no_fees_above_the_cap(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        stuck = await recorded(begun, outbox, key, fees=Fees(GWEI, 10**6))
        post(base_chain, stuck)
        await asyncio.sleep(1.2)
        mine(base_chain, base_fee_wei=3 * GWEI)
        await build(bump_after_s=0.5, may_cost=budget(max_fee_wei=2 * GWEI)).maintain(key.address)
    assert await outbox.of(stuck.reference) == [stuck]


async def test_what_is_stuck_and_lost_is_sent_again_while_the_signer_is_out(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    """A replacement needs a signature, and what was signed before does not."""
    nobody = RemoteSigner(NOBODY, key.address, chain_id=BaseChain.chain_id, token=None, timeout_s=1)
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        stuck = await recorded(begun, outbox, key)
        await asyncio.sleep(2.2)
        mine(base_chain)
        await build(SettlementKey(nobody, chain_id=BaseChain.chain_id), bump_after_s=0.5).maintain(key.address)
        mine(base_chain)
    await nobody.aclose()
    await until_mined(base_chain, stuck.hash)
    [again] = await outbox.of(stuck.reference)
    assert (again.raw, again.attempt) == (stuck.raw, 2)


ABOUT_2_GWEI = budget(eth_usd="312")
"""Per gas, for the settlement of a picture of five cents."""


async def transfer(
    key: SettlementKey, terms: QuoteTerms, nonce: int, *, end: int, units: int = 50_000, fee: int = GWEI
) -> Sent:
    """The settlement of a payment that is valid until `end`."""
    signed = authorize(
        Account.from_key(BUYER.key), SELLER.address, "0x" + secrets.token_hex(32), terms, units=units, valid_before=end
    )
    call, reference = transfer_call(signed), f"payment {nonce}"
    return await key.sign(BaseChain.token, call, nonce=nonce, fees=Fees(fee, 10**6), reference=reference)


async def stuck(chain: BaseChain, begun: Begun, outbox: SqlOutbox, *settlements: Sent) -> None:
    """They are with the node; then the base fee rises to 3 gwei, and two seconds have passed."""
    mine(chain, base_fee_wei=GWEI)
    for sent in settlements:
        await record(begun, outbox, sent)
        post(chain, sent)
    await asyncio.sleep(2.2)
    mine(chain, base_fee_wei=3 * GWEI)


@pytest.mark.parametrize(("units", "raised"), [(50_000, False), (150_000, True)])
async def test_raises_fees_up_to_what_the_payment_brings(
    base_chain: BaseChain,
    build: Build,
    outbox: SqlOutbox,
    key: SettlementKey,
    terms: QuoteTerms,
    caplog: pytest.LogCaptureFixture,
    units: int,
    raised: bool,
    begun: Begun,
) -> None:
    """And says once when it does not."""
    with standing_still(base_chain), caplog.at_level(logging.WARNING, "payments.x402.monitor"):
        sent = await transfer(key, terms, 0, end=2**40, units=units)
        await stuck(base_chain, begun, outbox, sent)
        monitor = build(bump_after_s=0.5, may_cost=ABOUT_2_GWEI)
        for _ in range(2):
            await monitor.maintain(key.address)
    [now] = await outbox.of(sent.reference)
    assert (now.raw != sent.raw) == raised
    assert now.data == sent.data
    assert (now.max_fee > 3 * GWEI) == raised
    assert "exceed the budget" in caplog.text or raised
    assert caplog.text.count("exceed the budget") <= 1


async def test_raises_no_fees_for_an_expired_payment(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, terms: QuoteTerms, begun: Begun
) -> None:
    with standing_still(base_chain):
        sent = await transfer(key, terms, 0, end=int(time.time()) + 2)
        await stuck(base_chain, begun, outbox, sent)
        await build(bump_after_s=0.5).maintain(key.address)
    assert [now.raw for now in await outbox.of(sent.reference)] == [sent.raw]


@pytest.mark.parametrize("end", ["by its time", "cancelled"])
async def test_an_expired_payment_holds_up_nobody(
    base_chain: BaseChain,
    build: Build,
    outbox: SqlOutbox,
    key: SettlementKey,
    terms: QuoteTerms,
    end: str,
    begun: Begun,
) -> None:
    """Its nonce is taken by a transaction without content, which costs a quarter."""
    with standing_still(base_chain):
        expired = await transfer(key, terms, 0, end=int(time.time()) + 2 if end == "by its time" else 2**40)
        paying = await transfer(key, terms, 1, end=2**40, fee=4 * GWEI)
        await stuck(base_chain, begun, outbox, expired, paying)
        if end == "cancelled":
            cancel(base_chain, _authorization(expired), terms)
        monitor = build(bump_after_s=0.5)
        await monitor.maintain(key.address)
        [instead] = await outbox.of(expired.reference)
        mine(base_chain, base_fee_wei=3 * GWEI)
    monitor.start()  # the chain has dropped what came behind the one that was replaced
    await until_mined(base_chain, instead.hash)
    assert (instead.to, instead.data, instead.nonce) == (key.address, expired.data, 0)
    assert base_chain.rpc.call("eth_getTransactionByHash", instead.hash)["input"] == "0x"
    assert int(base_chain.rpc.call("eth_getTransactionReceipt", instead.hash)["gasUsed"], 16) == PLAIN_GAS
    await _until_paid(base_chain, outbox, paying)


async def test_a_cheap_payment_in_front_may_cost_what_a_dear_one_behind_brings(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, terms: QuoteTerms, begun: Begun
) -> None:
    with standing_still(base_chain):
        cheap = await transfer(key, terms, 0, end=2**40, units=50_000, fee=GWEI)
        dear = await transfer(key, terms, 1, end=2**40, units=500_000, fee=8 * GWEI)
        await stuck(base_chain, begun, outbox, cheap, dear)
        monitor = build(bump_after_s=0.5, may_cost=ABOUT_2_GWEI)
        await monitor.maintain(key.address)
        [better] = await outbox.of(cheap.reference)
        mine(base_chain, base_fee_wei=3 * GWEI)
    monitor.start()
    await until_mined(base_chain, better.hash)
    await _until_paid(base_chain, outbox, dear)
    assert better.data == cheap.data


async def test_raises_no_fees_while_the_chain_stands_still(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    with standing_still(base_chain):
        await asyncio.sleep(_time(base_chain) - time.time() + 0.1)
        sent = await recorded(begun, outbox, key)
        post(base_chain, sent)
        await asyncio.sleep(0.2)
        await build(bump_after_s=0.1).maintain(key.address)
    assert await outbox.of(sent.reference) == [sent]


async def test_tends_what_an_earlier_key_has_left(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    """It sends it again; it cannot raise its fees."""
    earlier = new_key(base_chain)
    left = await recorded(begun, outbox, earlier)
    build(key, bump_after_s=0.0).start()
    await until_mined(base_chain, left.hash)
    [again] = await outbox.of(left.reference)
    assert again.raw == left.raw


async def test_of_two_that_tend_one_sends(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    """The other finds the record changed. Nothing that they do costs the payment its transaction."""
    sent = await recorded(begun, outbox, key)
    await asyncio.sleep(2.1)
    await asyncio.gather(*(build().maintain(key.address) for _ in range(2)))
    [again] = await outbox.of(sent.reference)
    assert again.attempt == 2
    assert not await outbox.withdraw(sent)


async def test_forgets_what_lies_deep_in_the_chain(
    base_chain: BaseChain, build: Build, outbox: SqlOutbox, key: SettlementKey, begun: Begun
) -> None:
    sent = await recorded(begun, outbox, key)
    post(base_chain, sent)
    await until_mined(base_chain, sent.hash)
    monitor = build()
    monitor.start()
    await asyncio.sleep(1)
    assert await outbox.of(sent.reference) == [sent]
    base_chain.rpc.call("anvil_mine", hex(KEPT_BLOCKS + 1))
    monitor.start()
    async with asyncio.timeout(10):
        while await outbox.senders(BaseChain.chain_id):  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.1)


def _authorization(sent: Sent) -> Authorization:
    """That of a transfer, as far as its payer needs it to cancel it."""
    nonce = "0x" + sent.data[10 + 64 * 5 :][:64]
    return Authorization.model_validate(
        {
            "from": BUYER.address,
            "to": SELLER.address,
            "value": "0",
            "validAfter": "0",
            "validBefore": "0",
            "nonce": nonce,
        }
    )


async def _until_paid(chain: BaseChain, outbox: SqlOutbox, sent: Sent) -> None:
    """One of a payment's transactions has succeeded."""
    async with asyncio.timeout(15):
        while True:
            [latest] = await outbox.of(sent.reference)
            receipts = [chain.rpc.call("eth_getTransactionReceipt", each.hash) for each in (sent, latest)]
            if any(receipt and int(receipt["status"], 16) == 1 for receipt in receipts):
                return
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
