"""Own settlement key, settlements that fail on the way: never a second charge, and the end is found."""

import asyncio
import time

import pytest
from eth_account import Account

from errors import PaymentOutcomeUnknown, ServiceError
from payments.order import Order
from payments.rail import Hold
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from storage import SqlOutbox
from tests.contracts.rail_contract import UNITS
from tests.loop_time import loop_time
from tests.payments.x402.buyer import X402Buyer, bought, empty_purse
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.miner import standing_still, until_sent
from tests.payments.x402.outcomes import found_receipt


@pytest.mark.parametrize(
    ("mode", "methods", "count"),
    [
        ("drop_after_send", ["eth_sendRawTransaction"], None),
        ("error5xx", ["eth_getTransactionReceipt"], 3),
        ("rpcerror", ["eth_getTransactionReceipt"], 3),
    ],
)
async def test_settles_through_lost_replies(
    new_rail: RailBuilder,
    flaky_url: str,
    flaky: Control,
    buyer: X402Buyer,
    order: Order,
    mode: Mode,
    methods: list[str],
    count: int | None,
) -> None:
    """The chain got the transaction and we did not hear so: the buyer gets the receipt and pays once."""
    rail = new_rail(flaky_url)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    flaky.inject(mode, methods=methods, count=count)
    receipt = await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS
    assert receipt.payer.lower() == payment.payer


async def test_a_settlement_whose_receipt_stays_away_is_unknown_and_then_found(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order
) -> None:
    """No reply on the sending and no chain to ask: unknown, not refused; a restarted service finds the receipt."""
    rail = new_rail(flaky_url, settle_timeout_s=2.0, doubt_s=0.5)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    settlement = asyncio.create_task(rail.bind(credential).settle(payment))
    await _until_called(flaky, "eth_sendRawTransaction")
    flaky.inject("error5xx")
    with pytest.raises(PaymentOutcomeUnknown):
        await settlement
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    flaky.clear()
    assert await new_rail().find_receipt(payment) is not None
    assert buyer.received() == before + UNITS


@pytest.mark.parametrize("method", ["eth_estimateGas", "eth_getTransactionCount"])
async def test_a_settlement_that_was_never_sent_can_be_settled_later(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order, method: str
) -> None:
    """A failure before the sending leaves no gap among the nonces: afterwards everything goes on."""
    rail = new_rail(flaky_url, settle_timeout_s=3.0, doubt_s=0.5)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    flaky.inject("error5xx", methods=[method])
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    flaky.clear()
    assert await rail.find_receipt(payment) is None
    await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS


async def test_a_settlement_that_was_recorded_and_not_sent_goes_on_by_itself(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order, outbox: SqlOutbox
) -> None:
    """As after a crash in between: in doubt until the record is sent by whoever comes by, and paid once then."""
    rail = new_rail(flaky_url, settle_timeout_s=1.0, doubt_s=0.1)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    flaky.inject("error5xx", methods=["eth_sendRawTransaction"])
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    await rail.aclose()
    [recorded] = await outbox.of(payment.id)
    with pytest.raises(PaymentOutcomeUnknown):
        await new_rail().find_receipt(payment)
    receipt = await found_receipt(new_rail(), payment)
    assert receipt is not None
    assert receipt.transaction == recorded.hash
    assert buyer.received() == before + UNITS


async def test_sends_nothing_when_others_may_judge_the_payment(
    new_rail: RailBuilder, buyer: X402Buyer, order: Order, outbox: SqlOutbox
) -> None:
    """A process that stood still comes too late: no record, no transaction, and the payment is proven unmoved."""
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment, hold=Hold(not_after=time.time() - 1))
    assert await outbox.of(payment.id) == []
    assert await rail.find_receipt(payment) is None
    assert buyer.received() == before


async def test_a_busy_key_does_not_keep_another_payment_in_doubt(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """One payment waits for its block; of another one, which was never sent, nothing moved, and that is known."""
    rail = new_rail(settle_timeout_s=1.0, doubt_s=0.1)
    waiting, unsent = [await bought(rail, buyer, order) for _ in range(2)]
    payments = [await rail.bind(credential).verify(order) for credential in (waiting, unsent)]
    with standing_still(base_chain):
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.bind(waiting).settle(payments[0])
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.find_receipt(payments[0])
        assert await rail.find_receipt(payments[1]) is None
    assert await found_receipt(rail, payments[0]) is not None


async def test_a_reverted_transfer_ends_in_seconds(
    new_rail: RailBuilder, base_chain: BaseChain, order: Order, outbox: SqlOutbox
) -> None:
    """The purse was emptied after the last look: the block shows that nothing moved, and two more make it sure."""
    purse = Account.create()
    base_chain.fund(purse.address, UNITS)
    buyer = X402Buyer(base_chain, version=2, key=purse.key.to_0x_hex())
    rail = new_rail(doubt_s=0.1)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    with standing_still(base_chain):
        settlement = asyncio.create_task(rail.bind(credential).settle(payment))
        await until_sent(base_chain, outbox, payment.id)
        base_chain.rpc.call("anvil_dropAllTransactions")
        empty_purse(base_chain, purse)
    with pytest.raises(PaymentOutcomeUnknown):
        await settlement
    assert await found_receipt(rail, payment) is None


async def test_a_refusal_proves_nothing_while_an_earlier_attempt_is_under_way(
    new_rail: RailBuilder, base_chain: BaseChain, order: Order, outbox: SqlOutbox
) -> None:
    """The purse is empty; were it filled again, the first transaction would pay."""
    purse = Account.create()
    base_chain.fund(purse.address, UNITS)
    buyer = X402Buyer(base_chain, version=2, key=purse.key.to_0x_hex())
    rail = new_rail(settle_timeout_s=3.0, doubt_s=0.1)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    with standing_still(base_chain):
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.bind(credential).settle(payment)
        await until_sent(base_chain, outbox, payment.id)
        base_chain.rpc.call("anvil_dropAllTransactions")
        empty_purse(base_chain, purse)
        with pytest.raises(PaymentOutcomeUnknown):
            await rail.bind(credential).settle(payment)


async def test_a_settlement_that_is_given_up_sends_nothing_later(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order
) -> None:
    """The caller's patience ends before the sending; when the chain answers again, the money stays where it is."""
    rail = new_rail(flaky_url, rpc_timeout_s=5.0)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    flaky.inject("slow", methods=["eth_call"], seconds=1.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await rail.bind(credential).settle(payment)
    sent = flaky.calls()["eth_sendRawTransaction"]
    await asyncio.sleep(2)
    assert flaky.calls()["eth_sendRawTransaction"] == sent
    assert await rail.find_receipt(payment) is None
    assert buyer.received() == before


async def test_closing_ends_the_calls_under_way(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order
) -> None:
    rail = new_rail(flaky_url, rpc_timeout_s=30.0, verify_timeout_s=30.0)
    credential = await bought(rail, buyer, order)
    flaky.inject("hang")
    verification = asyncio.create_task(rail.bind(credential).verify(order))
    await asyncio.sleep(0.3)
    async with loop_time() as passed:
        await rail.aclose()
        with pytest.raises(ServiceError):
            await verification
    assert passed.seconds < 1


async def _until_called(flaky: Control, method: str) -> None:
    """Asked from a thread, so that the loop is free for what is waited for."""
    before = flaky.calls()[method]
    async with asyncio.timeout(5):
        while (await asyncio.to_thread(flaky.calls))[method] == before:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
