"""Own settlement key: outages are never the buyer's fault, and never a second bill."""

import asyncio
import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from eth_abi.abi import encode
from eth_account import Account
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from x402.mechanisms.evm.constants import ERC6492_MAGIC_VALUE

from errors import PaymentOutcomeUnknown, PaymentRejected, RailUnavailable, ServiceError
from payments.money import Price
from payments.rail import Hold, Order, Payment, Receipt
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import STRANGER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from storage import SqlOutbox
from tests.contracts.rail_contract import FAULTS, NOBODY, UNITS
from tests.loop_time import loop_time
from tests.payments.x402.budgets import GWEI
from tests.payments.x402.buyer import X402Buyer, bought, cancel, empty_purse
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.miner import charging_for_data, mine, standing_still, until_sent

WALLET_TO_BE = encode(["address", "bytes", "bytes"], [STRANGER.address, b"deploy", b"1" * 97]) + ERC6492_MAGIC_VALUE


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang"])
@pytest.mark.parametrize("methods", [["eth_getCode"], ["eth_call"], None])
async def test_verification_calls_an_outage_an_outage(
    new_rail: RailBuilder,
    flaky_url: str,
    flaky: Control,
    buyer: X402Buyer,
    order: Order,
    mode: Mode,
    methods: list[str],
) -> None:
    """Whichever question fails and however, the payment is not called bad, and the answer comes in time."""
    rail = new_rail(flaky_url, rpc_timeout_s=0.5, verify_timeout_s=1.5)
    credential = await bought(rail, buyer, order)
    flaky.inject(mode, methods=methods)
    async with loop_time() as passed:
        with pytest.raises(RailUnavailable):
            await rail.bind(credential).verify(order)
    assert passed.seconds < 2.5


async def test_verification_survives_the_loss_of_one_url(
    new_rail: RailBuilder, rpc_url: str, buyer: X402Buyer, order: Order
) -> None:
    rail = new_rail(NOBODY, fallback_rpc_url=rpc_url)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS
    assert await rail.health() is None


COST = {"recipient": 0, "network": 0, "signature": 1, "amount": 2, "expired": 2}
"""Calls to the chain that a refusal costs: none where the payment cannot have paid us, one where the payer may be a
contract wallet, two where it may have been settled already, which a 402 must not deny."""


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "unfunded"])
async def test_bad_payments_cost_few_chain_calls(
    new_rail: RailBuilder, flaky_url: str, flaky: Control, buyer: X402Buyer, order: Order, fault: str
) -> None:
    rail = new_rail(flaky_url)
    credential = await bought(rail, buyer, order, fault)
    before = flaky.calls()
    with pytest.raises(PaymentRejected):
        await rail.bind(credential).verify(order)
    cost = flaky.calls() - before
    del cost["eth_chainId"]  # asked of each new connection
    assert cost.total() == COST[fault]


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
    receipt = await _found(new_rail(), payment)
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
    assert await _found(rail, payments[0]) is not None


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
    assert await _found(rail, payment) is None


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


async def test_knows_what_the_payer_holds(new_rail: RailBuilder, base_chain: BaseChain, order: Order) -> None:
    purse = Account.create()
    base_chain.fund(purse.address, 3 * UNITS + 1)
    buyer = X402Buyer(base_chain, version=2, key=purse.key.to_0x_hex())
    rail = new_rail()
    assert (await rail.bind(await bought(rail, buyer, order)).verify(order)).funds == 3 * UNITS + 1


async def test_refuses_at_settlement_what_the_payer_can_no_longer_pay(
    new_rail: RailBuilder, base_chain: BaseChain, order: Order
) -> None:
    """The purse was emptied during the work: nothing moved, no gas was spent, and the buyer is told why."""
    purse = Account.create()
    base_chain.fund(purse.address, UNITS)
    buyer = X402Buyer(base_chain, version=2, key=purse.key.to_0x_hex())
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    empty_purse(base_chain, purse)
    before = buyer.received()
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).settle(payment)
    assert refusal.value.reason == "insufficient_funds"
    assert buyer.received() == before


async def test_refuses_at_settlement_what_the_payer_cancelled(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order, terms: QuoteTerms
) -> None:
    """A cancelled authorization counts as used on the chain and is no payment."""
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    cancel(base_chain, credential.signed.authorization, terms)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).settle(payment)
    assert refusal.value.reason == "invalid_exact_evm_nonce_already_used"
    assert await rail.find_receipt(payment) is None
    assert buyer.received() == before


async def test_two_services_settle_many_payments_at_once(new_rail: RailBuilder, buyer: X402Buyer, order: Order) -> None:
    """One settlement key behind two services, ten payments each way at the same time: every one is in a block."""
    rails = (new_rail(), new_rail())
    before = buyer.received()
    receipts = await asyncio.gather(*(_buy(rails[i % 2], buyer, order) for i in range(10)))
    assert buyer.received() == before + 10 * UNITS
    assert max(Counter(receipts).values()) == 1


async def test_one_payment_settled_twice_at_once_moves_once(
    new_rail: RailBuilder, buyer: X402Buyer, order: Order
) -> None:
    rails = (new_rail(), new_rail())
    credential = await bought(rails[0], buyer, order)
    payment = await rails[0].bind(credential).verify(order)
    before = buyer.received()
    first, second = await asyncio.gather(*(rail.bind(credential).settle(payment) for rail in rails))
    assert first.transaction == second.transaction
    assert buyer.received() == before + UNITS


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("11" * 97, "invalid_exact_evm_payload_undeployed_smart_wallet"),
        ("11" * 64 + ERC6492_MAGIC_VALUE.hex(), "invalid_exact_evm_payload_signature"),
        (WALLET_TO_BE.hex(), "eip6492_factory_not_allowed"),
    ],
    ids=["not deployed", "garbage", "asks for deployment"],
)
async def test_judges_contract_wallets_on_the_chain(
    new_rail: RailBuilder, buyer: X402Buyer, order: Order, signature: str, reason: str
) -> None:
    """The sandbox has no contract wallet: those that are none are refused, and nothing is deployed for anybody."""
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    signed = credential.signed.model_copy(update={"signature": "0x" + signature})
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(dataclasses.replace(credential, signed=signed)).verify(order)
    assert refusal.value.reason == reason


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


async def test_says_when_the_settlement_key_has_no_gas(new_rail: RailBuilder) -> None:
    pauper = Account.create().key.to_0x_hex()
    assert await new_rail(settlement_key=pauper).health() == "The settlement key cannot pay for gas."
    assert affordable() == 0


async def test_warns_before_the_gas_runs_out(new_rail: RailBuilder, base_chain: BaseChain) -> None:
    poor = Account.create()
    base_chain.rpc.call("anvil_setBalance", poor.address, hex(60 * 300_000 * GWEI))
    with base_fee(base_chain, GWEI), capture_logs() as logs:
        rail = new_rail(settlement_key=poor.key.to_0x_hex(), **CHEAP_ETH)
        assert [await rail.health() for _ in range(2)] == [None, None]
    # The next base fee is 0.875 gwei; twice that and a tip of 0.001 gwei is offered for 300,000 gas.
    assert affordable() == 34
    assert [log["event"] for log in logs] == ["settlement_key_low_on_gas"]


TOO_DEAR = "Settling a payment would cost more than 50% of its price now."
CHEAP_ETH = {"eth_usd": Decimal("0.01"), "max_fee_gwei": 10}


@contextmanager
def base_fee(chain: BaseChain, wei: int) -> Iterator[None]:
    """The latest block's, until the end of the block; afterwards it is as on Base again."""
    with standing_still(chain):
        mine(chain, base_fee_wei=wei)
        try:
            yield
        finally:
            mine(chain, base_fee_wei=GWEI // 100)


async def test_is_out_while_settling_costs_more_than_it_may(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """Seen before the work: in the health, and when a payment is verified all the same. Said once per change."""
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    with capture_logs() as logs:
        with base_fee(base_chain, GWEI // 5):
            assert [await rail.health() for _ in range(2)] == [TOO_DEAR, TOO_DEAR]
            assert 1 < (cost_share() or 0) < 2
            with pytest.raises(RailUnavailable, match="Nothing was charged"):
                await rail.bind(credential).verify(order)
        assert await rail.health() is None
    assert (cost_share() or 1) < 0.1
    assert [log["event"] for log in logs] == ["settlement_too_expensive", "settlement_affordable_again"]
    assert await rail.bind(credential).settle(await rail.bind(credential).verify(order))


async def test_counts_what_the_data_costs(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    rail = new_rail()
    credential = await bought(rail, buyer, order)
    three_cents_at_4000_dollars = 3 * 10**18 // 400_000
    with charging_for_data(base_chain, three_cents_at_4000_dollars):
        assert await rail.health() == TOO_DEAR
        with pytest.raises(RailUnavailable):
            await rail.bind(credential).verify(order)


async def test_a_dearer_picture_may_cost_more_to_settle(
    new_rail: RailBuilder, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """The bound follows the payment; the rail is out when not even the dearest picture is worth it."""
    price = Price(Decimal("0.50"))
    dear_order = dataclasses.replace(order, price=price)
    rail = new_rail(highest_price=price)
    cheap, dear = [await bought(rail, buyer, each) for each in (order, dear_order)]
    with base_fee(base_chain, GWEI // 5):
        assert await rail.health() is None
        with pytest.raises(RailUnavailable):
            await rail.bind(cheap).verify(order)
        assert (await rail.bind(dear).verify(dear_order)).amount == 10 * UNITS


@pytest.mark.parametrize(("wei", "settles"), [(GWEI // 8, True), (GWEI // 4, False)])
async def test_what_was_worked_for_is_settled_up_to_break_even(
    new_rail: RailBuilder,
    base_chain: BaseChain,
    outbox: SqlOutbox,
    buyer: X402Buyer,
    order: Order,
    wei: int,
    settles: bool,
) -> None:
    """The fee rose in between. Above break-even nothing is sent; the same payment settles when the fee has fallen."""
    rail = new_rail(settle_timeout_s=3, doubt_s=0.1)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    with base_fee(base_chain, wei), suppress(PaymentOutcomeUnknown):
        await asyncio.sleep(1.1)  # as long as prices are remembered
        await rail.bind(credential).settle(payment)
    assert bool(await outbox.of(payment.id)) == settles
    if not settles:
        assert await rail.find_receipt(payment) is None
        await asyncio.sleep(1.1)
        await rail.bind(credential).settle(payment)
    assert await _found(rail, payment)


def affordable() -> float | None:
    return REGISTRY.get_sample_value("clearcanvas_settlements_affordable")


def cost_share() -> float | None:
    return REGISTRY.get_sample_value("clearcanvas_settlement_cost_share")


async def _found(rail: X402Rail, payment: Payment) -> Receipt | None:
    """What the chain says of a payment, as soon as it does."""
    async with asyncio.timeout(20):
        while True:
            with suppress(PaymentOutcomeUnknown):
                return await rail.find_receipt(payment)
            await asyncio.sleep(0.2)


async def _buy(rail: X402Rail, buyer: X402Buyer, order: Order) -> str:
    credential = await bought(rail, buyer, order)
    receipt = await rail.bind(credential).settle(await rail.bind(credential).verify(order))
    return receipt.transaction


async def _until_called(flaky: Control, method: str) -> None:
    """Asked from a thread, so that the loop is free for what is waited for."""
    before = flaky.calls()[method]
    async with asyncio.timeout(5):
        while (await asyncio.to_thread(flaky.calls))[method] == before:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
