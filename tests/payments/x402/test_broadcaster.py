"""The broadcaster: recorded before it is sent, nonces without gaps or collisions, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import httpx
import pytest
from eth_account import Account
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import RailUnavailable
from payments.evm.account_key import AccountKey
from payments.evm.rpc import RpcClient
from payments.evm.sending import NodeRefusal
from payments.x402.broadcaster import Broadcaster
from payments.x402.facilitator import FinalAt, InFlight
from payments.x402.fees import Fees
from payments.x402.settlement_key import SettlementKey
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control
from storage import SqlOutbox
from tests.begun import Begun
from tests.fakes.serving import TRUST, serving
from tests.payments.conftest import Connect
from tests.payments.x402.budgets import budget
from tests.payments.x402.miner import nonce_of, standing_still, until_mined

NO_DATA = "0x"
Build = Callable[..., Broadcaster]
Send = Callable[..., Coroutine[Any, Any, str]]


class Refusing:
    """A node that refuses every transaction.

    Args:
        takes: it passes it on nevertheless.

    Attributes:
        holding: it does not answer yet.
    """

    def __init__(self, upstream: str, *, takes: bool) -> None:
        self.holding = False
        self._upstream = upstream
        self._takes = takes

    async def answer(self, request: Request) -> Response:
        question = await request.json()
        sending = question["method"] == "eth_sendRawTransaction"
        if self._takes or not sending:
            async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
                answer = await client.post(self._upstream, json=question)
        while sending and self.holding:  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.05)
        if not sending:
            return Response(answer.content, media_type="application/json")
        refusal = {"code": -32000, "message": "nonce too low" if self._takes else "txpool is full"}
        return JSONResponse({"jsonrpc": "2.0", "id": question["id"], "error": refusal})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])


@pytest.fixture
async def new_broadcaster(outbox: SqlOutbox) -> AsyncIterator[Build]:
    """Makes broadcasters of the settlement key over one outbox, under one common lock."""
    common = asyncio.Lock()
    opened: list[RpcClient | Broadcaster] = []

    def build(url: str, key: str = SETTLER.key, timeout_s: float = 1.0, lock: asyncio.Lock = common) -> Broadcaster:
        rpc = RpcClient((url,), timeout_s=timeout_s, chain_id=BaseChain.chain_id)
        broadcaster = Broadcaster(
            rpc,
            SettlementKey(AccountKey(key), chain_id=BaseChain.chain_id),
            outbox,
            chain_id=BaseChain.chain_id,
            lock=lock,
            bump_after_s=60,
            budget=budget(),
        )
        opened.extend((rpc, broadcaster))
        return broadcaster

    yield build
    for each in reversed(opened):
        await each.aclose()


@pytest.fixture
def send(begun: Begun) -> Send:
    """Send a transaction without content for a payment."""

    async def send(broadcaster: Broadcaster, reference: str = "payment") -> str:
        hold = await begun.hold(reference)
        return await broadcaster.send(STRANGER.address, NO_DATA, reference=reference, hold=hold)

    return send


async def until_recorded(outbox: SqlOutbox, attempt: int) -> None:
    """The payment's transaction has a record of this attempt."""
    async with asyncio.timeout(10):
        while [recorded.attempt for recorded in await outbox.of("payment")] != [attempt]:  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.01)


async def nonces(chain: BaseChain, hashes: list[str]) -> list[int]:
    """The nonces of transactions, once all of them are in a block."""
    await until_mined(chain, *hashes)
    return sorted(nonce_of(chain, sent) for sent in hashes)


async def test_many_at_once_from_two_processes_leave_no_gap(
    base_chain: BaseChain, new_broadcaster: Build, send: Send
) -> None:
    both = [new_broadcaster(base_chain.rpc_url) for _ in range(2)]
    sent = await asyncio.gather(*(send(both[i % 2]) for i in range(20)))
    used = await nonces(base_chain, sent)
    assert used == list(range(used[0], used[0] + 20))


async def test_transactions_pay_by_eip_1559(base_chain: BaseChain, new_broadcaster: Build, send: Send) -> None:
    sent = await send(new_broadcaster(base_chain.rpc_url))
    transaction = base_chain.rpc.call("eth_getTransactionByHash", sent)
    base_fee = int(base_chain.rpc.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    assert transaction["type"] == "0x2"
    assert int(transaction["maxFeePerGas"], 16) > base_fee
    await nonces(base_chain, [sent])


@pytest.mark.parametrize("method", ["eth_estimateGas", "eth_getTransactionCount", "eth_sendRawTransaction"])
async def test_a_failure_leaves_no_gap(
    base_chain: BaseChain,
    new_broadcaster: Build,
    outbox: SqlOutbox,
    flaky_url: str,
    flaky: Control,
    method: str,
    send: Send,
    connect: Connect,
) -> None:
    """A transaction that the node refuses is nowhere: its record is gone, and the next one takes its nonce."""
    broadcaster = new_broadcaster(flaky_url)
    first = await send(broadcaster)
    flaky.inject("rpcerror", methods=[method])
    with pytest.raises((RailUnavailable, NodeRefusal)):
        await send(broadcaster, "failed")
    flaky.clear()
    assert await outbox.of("failed") == []
    assert await broadcaster.progress("failed", connect(flaky_url)) == FinalAt(0)
    second = await send(broadcaster)
    used = await nonces(base_chain, [first, second])
    assert used == [used[0], used[0] + 1]


async def test_a_lost_reply_leaves_no_gap(
    base_chain: BaseChain, new_broadcaster: Build, flaky_url: str, flaky: Control, send: Send
) -> None:
    """The hash is known before the reply; the transaction is in a block with the others."""
    broadcaster = new_broadcaster(flaky_url)
    flaky.inject("drop_after_send", methods=["eth_sendRawTransaction"], count=1)
    sent = [await send(broadcaster) for _ in range(3)]
    used = await nonces(base_chain, sent)
    assert used == list(range(used[0], used[0] + 3))


async def test_records_before_it_sends(
    new_broadcaster: Build, outbox: SqlOutbox, flaky_url: str, flaky: Control, send: Send
) -> None:
    broadcaster = new_broadcaster(flaky_url)
    flaky.inject("hang", methods=["eth_sendRawTransaction"], count=1, seconds=1)
    sending = asyncio.create_task(send(broadcaster))
    await until_recorded(outbox, 1)
    assert not sending.done()
    [recorded] = await outbox.of("payment")
    assert await sending == recorded.hash


async def test_nobody_waits_for_the_slow_sending_of_another(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, send: Send
) -> None:
    """The second transaction is with the node while the first one is still on its way; then both are in a block."""
    node = Refusing(base_chain.rpc_url, takes=True)
    node.holding = True
    with serving(node.app()) as url:
        slow = asyncio.create_task(send(new_broadcaster(url, timeout_s=20)))
        await until_recorded(outbox, 1)
        quick = await send(new_broadcaster(base_chain.rpc_url), "another payment")
        assert not slow.done()
        node.holding = False
        assert len(await nonces(base_chain, [quick, await slow])) == 2


async def test_sends_once_more_what_hangs(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, flaky_url: str, flaky: Control, send: Send
) -> None:
    """Until it is with the node, every later transaction would wait there."""
    before = flaky.calls()["eth_sendRawTransaction"]
    flaky.inject("hang", methods=["eth_sendRawTransaction"], count=1, seconds=30)
    sent = await send(new_broadcaster(flaky_url, timeout_s=20))
    assert flaky.calls()["eth_sendRawTransaction"] == before + 2
    assert [recorded.attempt for recorded in await outbox.of("payment")] == [1]
    await until_mined(base_chain, sent)


async def test_a_refused_transaction_keeps_its_nonce_once_another_one_follows(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, send: Send
) -> None:
    """Given back, it would be a gap that holds up the next one; so it is sent again instead."""
    node = Refusing(base_chain.rpc_url, takes=False)
    node.holding = True
    with serving(node.app()) as url:
        refused = asyncio.create_task(send(new_broadcaster(url, timeout_s=20)))
        await until_recorded(outbox, 1)
        next_one = await send(new_broadcaster(base_chain.rpc_url), "another payment")
        node.holding = False
        first = await refused
    assert nonce_of(base_chain, next_one) == (await outbox.of("payment"))[0].nonce + 1
    await until_mined(base_chain, first, next_one)


REVERTS = "0x60006000fd"
BURNS_GAS = "0x" + "".join(f"61{slot:04x}5450" for slot in range(200))  # looks into 200 slots: more than GAS_LIMIT


@pytest.mark.parametrize("code", [REVERTS, BURNS_GAS])
async def test_sends_nothing_that_would_only_cost_gas(
    base_chain: BaseChain,
    new_broadcaster: Build,
    outbox: SqlOutbox,
    flaky_url: str,
    flaky: Control,
    code: str,
    begun: Begun,
) -> None:
    """A wallet's contract may say yes to a question and burn our gas in a block."""
    wallet = Account.create().address
    base_chain.rpc.call("anvil_setCode", wallet, code)
    before, hold = flaky.calls()["eth_sendRawTransaction"], await begun.hold("dear")
    with pytest.raises(NodeRefusal):
        await new_broadcaster(flaky_url).send(wallet, NO_DATA, reference="dear", hold=hold)
    assert await outbox.of("dear") == []
    assert flaky.calls()["eth_sendRawTransaction"] == before


async def test_sends_nothing_too_late(
    new_broadcaster: Build, outbox: SqlOutbox, flaky_url: str, flaky: Control, begun: Begun
) -> None:
    before, hold = flaky.calls()["eth_sendRawTransaction"], replace(await begun.hold("late"), not_after=0)
    with pytest.raises(RailUnavailable):
        await new_broadcaster(flaky_url).send(STRANGER.address, NO_DATA, reference="late", hold=hold)
    assert await outbox.of("late") == []
    assert flaky.calls()["eth_sendRawTransaction"] == before


async def test_a_key_that_is_used_elsewhere_takes_the_next_nonce(
    base_chain: BaseChain, new_broadcaster: Build, flaky_url: str, flaky: Control, send: Send
) -> None:
    """Between our question for the nonce and our sending, somebody else's transaction with it gets into a block."""
    broadcaster, elsewhere = (
        new_broadcaster(flaky_url, timeout_s=5),
        SettlementKey(AccountKey(SETTLER.key), chain_id=BaseChain.chain_id),
    )
    with standing_still(base_chain):
        flaky.inject("slow", methods=["eth_sendRawTransaction"], count=2, seconds=1)
        sending = asyncio.create_task(send(broadcaster))
        calls = flaky.calls()["eth_sendRawTransaction"]
        async with asyncio.timeout(5):
            while flaky.calls()["eth_sendRawTransaction"] == calls:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        base_chain.rpc.call("anvil_impersonateAccount", SETTLER.address)
        other = base_chain.rpc.call(
            "eth_sendTransaction", {"from": elsewhere.address, "to": STRANGER.address, "value": "0x1"}
        )
        base_chain.rpc.call("evm_mine")
        sent = await sending
    assert await nonces(base_chain, [other, sent]) == [nonce_of(base_chain, other), nonce_of(base_chain, other) + 1]


async def test_a_refusal_of_what_is_there_counts_for_nothing(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, send: Send
) -> None:
    """A service before several nodes passed the transaction on twice, and tells the second node's answer."""
    with serving(Refusing(base_chain.rpc_url, takes=True).app()) as url:
        sent = await send(new_broadcaster(url))
    assert [recorded.hash for recorded in await outbox.of("payment")] == [sent]
    await until_mined(base_chain, sent)


async def test_a_process_that_stood_still_withdraws_nothing_that_others_have_sent(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, send: Send, connect: Connect
) -> None:
    """It recorded, lost the lock while it stood still, and is refused when it wakes up: somebody else has sent it."""
    node = Refusing(base_chain.rpc_url, takes=False)
    node.holding = True
    elsewhere = new_broadcaster(base_chain.rpc_url, lock=asyncio.Lock())
    with standing_still(base_chain), serving(node.app()) as url:
        sending = asyncio.create_task(send(new_broadcaster(url, timeout_s=20)))
        await until_recorded(outbox, 1)
        assert await elsewhere.progress("payment", connect(base_chain.rpc_url)) == InFlight()
        await until_recorded(outbox, 2)
        base_chain.rpc.call("anvil_dropAllTransactions")  # a node that does not know it, asked whether it does
        node.holding = False
        sent = await sending
    assert [recorded.hash for recorded in await outbox.of("payment")] == [sent]
    await until_mined(base_chain, sent)


async def test_knows_when_nothing_of_a_payment_is_under_way(
    base_chain: BaseChain, new_broadcaster: Build, send: Send, connect: Connect
) -> None:
    """Not before its transaction lies two blocks deep."""
    broadcaster, rpc = new_broadcaster(base_chain.rpc_url), connect(base_chain.rpc_url)
    with standing_still(base_chain):
        sent = await send(broadcaster)
        for _ in range(3):
            assert await broadcaster.progress("payment", rpc) == InFlight()
            base_chain.rpc.call("evm_mine")
        block = int(base_chain.rpc.call("eth_getTransactionReceipt", sent)["blockNumber"], 16)
        assert await broadcaster.progress("payment", rpc) == FinalAt(block + 2)


async def test_a_key_without_gas_is_refused_by_the_node(
    base_chain: BaseChain, new_broadcaster: Build, outbox: SqlOutbox, send: Send
) -> None:
    pauper = new_broadcaster(base_chain.rpc_url, Account.create().key.to_0x_hex())
    assert (await pauper.outlook()).affordable == 0
    with pytest.raises(NodeRefusal):
        await send(pauper)
    assert await outbox.of("payment") == []


@pytest.mark.parametrize("key", ["", "0x12", "hello", SETTLER.key[:-1], SETTLER.key + "00", "0" * 64, "f" * 64])
def test_a_wrong_key_is_not_quoted(key: str) -> None:
    with pytest.raises(ValueError, match="must be a 32-byte private key in hex") as refusal:
        AccountKey(key)
    assert not key or key not in str(refusal.value)


async def test_a_call_that_was_mined_while_it_was_being_cancelled_is_still_ours(
    base_chain: BaseChain, rpc_url: str, new_broadcaster: Build, outbox: SqlOutbox, begun: Begun
) -> None:
    """To whoever asks a moment too late, a call that was just mined looks like one that would be reverted."""
    broadcaster, key = new_broadcaster(rpc_url), SettlementKey(AccountKey(SETTLER.key), chain_id=BaseChain.chain_id)
    call = "0x" + "c0ffee" * 4
    with standing_still(base_chain):
        mined = await broadcaster.send(STRANGER.address, call, reference="payment", hold=await begun.hold("payment"))
        [sent] = await outbox.of("payment")
        cancelled = await key.replacement(key.cancellation(sent), Fees(2 * sent.max_fee, 2 * sent.max_tip))
        assert await outbox.renew(sent, cancelled)
    await until_mined(base_chain, mined)
    assert cancelled.hash != mined
    assert await broadcaster.hashes("payment") == set()
    assert await broadcaster.sent("payment", mined)
