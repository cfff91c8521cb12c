"""The SDK's signer over our chain: it remembers outages, and sends nothing once it is cancelled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from concurrency import cancel_and_wait
from errors import RailUnavailable
from payments.evm.account_key import AccountKey
from payments.evm.rpc import RpcClient
from payments.x402.broadcaster import Broadcaster
from payments.x402.fees import Fees
from payments.x402.settlement_key import SettlementKey
from payments.x402.signer import ChainSigner
from payments.x402.synchronous import run
from sandbox.accounts import BUYER, SETTLER, STRANGER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control
from storage import SqlOutbox
from tests.begun import Begun
from tests.payments.x402.budgets import budget
from tests.payments.x402.miner import mine, standing_still, until_sent


@pytest.fixture
async def broadcaster(flaky_url: str, flaky: Control, outbox: SqlOutbox) -> AsyncIterator[Broadcaster]:
    rpc = RpcClient((flaky_url,), timeout_s=1, chain_id=BaseChain.chain_id)
    key = SettlementKey(AccountKey(SETTLER.key), chain_id=BaseChain.chain_id)
    broadcaster = Broadcaster(
        rpc, key, outbox, chain_id=BaseChain.chain_id, lock=asyncio.Lock(), bump_after_s=60, budget=budget()
    )
    yield broadcaster
    await broadcaster.aclose()
    await rpc.aclose()


@pytest.fixture
async def rpc(flaky_url: str) -> AsyncIterator[RpcClient]:
    rpc = RpcClient((flaky_url,), timeout_s=1, chain_id=BaseChain.chain_id)
    yield rpc
    await rpc.aclose()


@pytest.fixture
async def signer(rpc: RpcClient, broadcaster: Broadcaster, begun: Begun) -> ChainSigner:
    return ChainSigner(rpc, broadcaster, reference="payment", hold=await begun.hold("payment"))


async def test_answers_what_the_sdk_asks(signer: ChainSigner, base_chain: BaseChain) -> None:
    assert signer.get_addresses() == [SETTLER.address]
    assert await run(signer.get_chain_id) == BaseChain.chain_id
    assert len(await run(signer.get_code, BaseChain.token)) > 100
    assert await run(signer.get_code, BUYER.address) == b""
    balance = await run(signer.get_balance, BUYER.address, BaseChain.token)
    assert balance == base_chain.balance_of(BUYER.address)
    assert not signer.unreachable


async def test_sends_and_waits_for_the_block(signer: ChainSigner) -> None:
    sent = await run(signer.send_transaction, STRANGER.address, b"")
    receipt = await run(signer.wait_for_transaction_receipt, sent)
    assert (receipt.status, receipt.tx_hash) == (1, sent)


async def test_remembers_that_the_chain_was_out(signer: ChainSigner, flaky: Control) -> None:
    flaky.inject("error5xx", count=1)
    with pytest.raises(RailUnavailable):
        await run(signer.get_code, BUYER.address)
    await run(signer.get_code, BUYER.address)
    assert signer.unreachable


async def test_waits_for_a_receipt_through_an_outage(signer: ChainSigner, flaky: Control) -> None:
    sent = await run(signer.send_transaction, STRANGER.address, b"")
    flaky.inject("error5xx", count=3)
    assert (await run(signer.wait_for_transaction_receipt, sent)).status == 1
    assert not signer.unreachable


async def test_a_cancelled_call_sends_nothing(signer: ChainSigner, flaky: Control) -> None:
    """The SDK swallows what its questions raise; a cancellation ends it all the same, before its next question."""

    def code_and_send() -> str:
        with suppress(Exception):
            signer.get_code(BUYER.address)
        return signer.send_transaction(STRANGER.address, b"")

    flaky.inject("slow", methods=["eth_getCode"], seconds=0.5)
    before = flaky.calls()["eth_getCode"]
    calling = asyncio.create_task(run(code_and_send))
    async with asyncio.timeout(5):
        while flaky.calls()["eth_getCode"] == before:  # noqa: ASYNC110 - no event of ours tells
            await asyncio.sleep(0.01)
    asked = flaky.calls()
    await cancel_and_wait(calling)
    assert calling.cancelled()
    assert flaky.calls() == asked


async def test_a_cancellation_ends_the_wait_at_once(signer: ChainSigner) -> None:
    waiting = asyncio.create_task(run(signer.wait_for_transaction_receipt, "0x" + "12" * 32))
    await asyncio.sleep(0.3)
    async with asyncio.timeout(10):
        await cancel_and_wait(waiting)
    assert waiting.cancelled()


async def test_sends_nothing_unless_told_for_which_payment(
    rpc: RpcClient, broadcaster: Broadcaster, flaky: Control
) -> None:
    before = flaky.calls()["eth_sendRawTransaction"]
    with pytest.raises(RailUnavailable):
        await run(ChainSigner(rpc, broadcaster).send_transaction, STRANGER.address, b"")
    assert flaky.calls()["eth_sendRawTransaction"] == before


async def test_finds_the_receipt_of_a_replacement(
    signer: ChainSigner, base_chain: BaseChain, outbox: SqlOutbox
) -> None:
    """The transaction that was sent first is in no block, and never will be."""
    key = SettlementKey(AccountKey(SETTLER.key), chain_id=BaseChain.chain_id)
    with standing_still(base_chain):
        first = await run(signer.send_transaction, STRANGER.address, b"")
        waiting = asyncio.create_task(run(signer.wait_for_transaction_receipt, first))
        sent = await until_sent(base_chain, outbox, "payment")
        better = await key.replacement(sent, Fees(2 * sent.max_fee, 2 * sent.max_tip))
        assert await outbox.renew(sent, better)
        base_chain.rpc.call("eth_sendRawTransaction", "0x" + better.raw.hex())
        mine(base_chain)
    assert (await waiting).tx_hash == signer.mined == better.hash != first


async def test_what_is_being_recorded_is_sent_before_a_cancellation_ends(
    signer: ChainSigner, flaky: Control, outbox: SqlOutbox, base_chain: BaseChain
) -> None:
    """Whoever cancels looks into the outbox afterwards, and must not miss a record that was on its way."""
    flaky.inject("slow", methods=["eth_sendRawTransaction"], seconds=0.5)
    sending = asyncio.create_task(run(signer.send_transaction, STRANGER.address, b""))
    async with asyncio.timeout(5):
        while not await outbox.of("payment"):  # noqa: ASYNC110 - no event of ours tells
            await asyncio.sleep(0.01)
    await cancel_and_wait(sending)
    assert sending.cancelled()
    [sent] = await outbox.of("payment")
    assert base_chain.rpc.call("eth_getTransactionByHash", sent.hash) is not None
