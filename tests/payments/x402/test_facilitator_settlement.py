"""A facilitator service at settlement: only the chain tells what became of a payment."""

import asyncio
import time

import pytest
from eth_account import Account
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import PaymentOutcomeUnknown, PaymentRejected, PaymentSpentElsewhere
from payments.order import Order
from payments.rail import Hold, Payment, Receipt
from payments.x402.confirmation import POLL_S
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import STRANGER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.fakes.facilitator import BAD_ANSWERS, LATE_S, LIES, Facilitator, Lie, Mode
from tests.fakes.serving import serving
from tests.payments.x402.buyer import X402Buyer, bought, cancel, empty_purse, submit, transfer_call
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.miner import until_mined

UNANSWERED: tuple[Mode, ...] = ("hang", "bad_request", "html_400", *BAD_ANSWERS)
"""None of them tells what became of a settlement."""
UNMOVED_LIES: tuple[Lie, ...] = ("invented", "other_network", "stolen", "denies")
SHORT_S = 8  # how long the payment of a test is valid that waits for its end


@pytest.fixture
def short_lived(new_rail: RailBuilder, facilitator_url: str) -> X402Rail:
    """Asks for payments that end soon, and takes them to their last second."""
    return new_rail(
        facilitator_url=facilitator_url,
        settlement_key=None,
        max_timeout_seconds=SHORT_S,
        min_validity_s=0,
        doubt_s=0.1,
    )


@pytest.mark.parametrize("mode", ["lost_reply", "late_reply"])
async def test_the_chain_knows_what_a_facilitator_did_not_report(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """The money moved and the answer never came: the buyer gets the receipt and pays once."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    facilitator.mode = mode
    receipt = await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS
    assert receipt.transaction.startswith("0x")


@pytest.mark.parametrize("mode", UNANSWERED)
async def test_a_settlement_without_an_answer_is_unknown_and_made_again(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """Nothing moved yet, but only the facilitator knows whether it still will. When the buyer sends the same payment
    again it is settled; without the buyer nobody moves it."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    facilitator.mode, facilitator.only, facilitator.elsewhere = mode, "settle", NOBODY
    facilitator.reason = "unexpected_settle_error"
    start = time.monotonic()
    with pytest.raises(PaymentOutcomeUnknown) as unknown:
        await rail.bind(credential).settle(payment)
    assert time.monotonic() - start < 8
    assert "KEY" not in str(unknown.value)
    facilitator.mode = "well"
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    assert buyer.received() == before
    receipt = await rail.bind(credential).find_receipt(payment)
    assert receipt is not None
    assert buyer.received() == before + UNITS


@pytest.mark.parametrize("mode", ["bad_request", "html_400", "garbage", "error"])
async def test_a_call_without_a_clear_answer_is_made_again_while_there_is_time(
    new_rail: RailBuilder, facilitator: Facilitator, facilitator_url: str, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    rail = new_rail(facilitator_url=facilitator_url, settlement_key=None, doubt_s=6.0)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before, calls = buyer.received(), facilitator.calls["settle"]
    facilitator.mode, facilitator.only = mode, "settle"
    facilitator.reason = "unexpected_settle_error"
    settlement = asyncio.create_task(rail.bind(credential).settle(payment))
    await asyncio.sleep(POLL_S / 2)
    facilitator.mode = "well"
    await settlement
    assert buyer.received() == before + UNITS
    assert facilitator.calls["settle"] == calls + 2


async def test_no_call_is_made_again_when_others_may_judge_the_payment(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    calls = facilitator.calls["settle"]
    facilitator.mode = "garbage"
    hold = Hold(limit=asyncio.get_running_loop().time() + POLL_S / 2)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment, hold=hold)
    assert facilitator.calls["settle"] == calls + 1


async def test_what_a_facilitator_claims_and_the_chain_does_not_show_is_unknown_until_the_payments_end(
    short_lived: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    """Nothing is delivered for it, and no new payment is asked for before the old one can move no more."""
    rail = short_lived
    await _sell(rail, buyer, order)  # whose transaction can be named once more
    before = buyer.received()
    payments = [await _lied_about(lie, rail, facilitator, buyer, order) for lie in UNMOVED_LIES]
    await asyncio.sleep(max(payment.valid_before for payment in payments) + 1.5 - time.time())
    assert [await rail.find_receipt(payment) for payment in payments] == [None] * len(payments)
    assert buyer.received() == before


async def _lied_about(lie: Lie, rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order) -> Payment:
    facilitator.mode = "well"
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    facilitator.mode = lie
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    return payment


def test_all_lies_are_told_here() -> None:
    assert {*UNMOVED_LIES, "denies_late", "used", "says_yes"} == set(LIES)


@pytest.mark.parametrize("reason", ["insufficient_funds", "invalid_transaction_state"])
async def test_a_settlement_that_is_denied_and_comes_all_the_same_is_delivered(
    new_rail: RailBuilder, facilitator: Facilitator, facilitator_url: str, buyer: X402Buyer, order: Order, reason: str
) -> None:
    """The facilitator says "no" at once and settles three seconds later: the buyer pays once and gets the picture."""
    rail = new_rail(facilitator_url=facilitator_url, settlement_key=None, doubt_s=LATE_S + 5)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    facilitator.mode, facilitator.reason = "denies_late", reason
    await rail.bind(credential).settle(payment)
    assert buyer.received() == before + UNITS


async def test_a_denied_settlement_is_settled_when_the_payment_is_sent_again(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    facilitator.mode = "denies"
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    facilitator.mode = "well"
    before = buyer.received()
    assert await rail.bind(credential).find_receipt(payment) is not None
    assert buyer.received() == before + UNITS


async def test_a_payment_sent_again_after_its_end_moved_nothing(
    short_lived: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(short_lived, buyer, order)
    payment = await short_lived.bind(credential).verify(order)
    facilitator.mode = "denies"
    with pytest.raises(PaymentOutcomeUnknown):
        await short_lived.bind(credential).settle(payment)
    await asyncio.sleep(payment.valid_before + 1.5 - time.time())
    assert await short_lived.bind(credential).find_receipt(payment) is None


async def test_a_payment_that_was_used_before_the_only_call_is_somebody_elses(
    rail: X402Rail, facilitator: Facilitator, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """Another service of this seller was quicker during our work. It has delivered, so we do not."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    submit(base_chain, base_chain.token, transfer_call(credential.signed))
    with pytest.raises(PaymentSpentElsewhere) as spent:
        await rail.bind(credential).settle(payment)
    assert spent.value.charged


async def test_a_payment_that_was_used_before_a_call_whose_transaction_failed_is_somebody_elses(
    new_rail: RailBuilder, rpc_url: str, facilitator_url: str, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """The service names the transaction of its call, and in its block the authorization was spent already."""
    named: list[str] = []

    async def settle(request: Request) -> Response:
        answer = {"success": False, "errorReason": "transaction_failed", "network": "eip155:84532"}
        return JSONResponse({**answer, "transaction": named[0]})

    rail = new_rail(facilitator_url=facilitator_url, settlement_key=None)
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    with serving(Starlette(routes=[Route("/settle", settle, methods=["POST"])])) as url:
        loser = new_rail(facilitator_url=url, settlement_key=None)
        submit(base_chain, base_chain.token, transfer_call(credential.signed))
        named.append(await _failed(base_chain, transfer_call(credential.signed)))
        with pytest.raises(PaymentSpentElsewhere):
            await loser.bind(credential).settle(payment)


async def test_a_payment_that_moved_after_our_call_is_ours_though_a_transaction_of_that_call_failed(
    new_rail: RailBuilder, rpc_url: str, facilitator_url: str, base_chain: BaseChain, buyer: X402Buyer, order: Order
) -> None:
    """Our call has reached the service twice: one transaction moved the money, and the answer names the other one."""
    rail = new_rail(facilitator_url=facilitator_url, settlement_key=None)
    credential = await bought(rail, buyer, order)
    call = transfer_call(credential.signed)

    async def settle(request: Request) -> Response:
        await asyncio.to_thread(submit, base_chain, base_chain.token, call)
        answer = {"success": False, "errorReason": "transaction_failed", "network": "eip155:84532"}
        return JSONResponse({**answer, "transaction": await _failed(base_chain, call)})

    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    with serving(Starlette(routes=[Route("/settle", settle, methods=["POST"])])) as url:
        twice = new_rail(facilitator_url=url, settlement_key=None)
        assert (await twice.bind(credential).settle(payment)).transaction
    assert buyer.received() == before + UNITS


async def test_a_payment_that_was_used_meanwhile_may_be_ours_after_a_lost_answer(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    """ "Used before" says the second call, and the first may have been the one."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    facilitator.mode = "lost_reply"
    first = await rail.bind(credential).settle(payment)
    facilitator.mode = "well"
    assert (await rail.bind(credential).settle(payment)).transaction == first.transaction
    assert buyer.received() == before + UNITS


async def test_a_service_that_says_used_and_moved_it_itself_has_settled_it(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    """Our call may have reached it twice, or it has tried again by itself. What moved after our call counts as ours."""
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    before = buyer.received()
    facilitator.mode = "used"
    assert (await rail.bind(credential).settle(payment)).transaction
    assert buyer.received() == before + UNITS


async def test_an_expired_payment_is_refused_at_settlement_on_the_word_of_the_chain(
    short_lived: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    """The authorization ran out during the work, by the chain's clock: the buyer may sign a new one."""
    credential = await bought(short_lived, buyer, order)
    payment = await short_lived.bind(credential).verify(order)
    before = buyer.received()
    await asyncio.sleep(payment.valid_before + 1.5 - time.time())
    with pytest.raises(PaymentRejected) as refusal:
        await short_lived.bind(credential).settle(payment)
    assert refusal.value.reason == "invalid_exact_evm_payload_authorization_valid_before"
    assert buyer.received() == before


async def test_a_reverted_transfer_is_not_refused_on_the_word_of_the_facilitator(
    rail: X402Rail, facilitator: Facilitator, base_chain: BaseChain, order: Order
) -> None:
    """It names a transaction, and as long as the authorization lives we cannot see that this was its only one."""
    purse = Account.create()
    base_chain.fund(purse.address, UNITS)
    buyer = X402Buyer(base_chain, version=2, key=purse.key.to_0x_hex())
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    empty_purse(base_chain, purse)
    before = buyer.received()
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.bind(credential).settle(payment)
    assert buyer.received() == before


async def test_a_cancelled_authorization_is_refused_on_the_word_of_the_chain(
    rail: X402Rail, facilitator: Facilitator, base_chain: BaseChain, buyer: X402Buyer, order: Order, terms: QuoteTerms
) -> None:
    credential = await bought(rail, buyer, order)
    payment = await rail.bind(credential).verify(order)
    cancel(base_chain, credential.signed.authorization, terms)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.bind(credential).settle(payment)
    assert refusal.value.reason == "invalid_exact_evm_nonce_already_used"


async def _sell(rail: X402Rail, buyer: X402Buyer, order: Order) -> Receipt:
    credential = await bought(rail, buyer, order)
    return await rail.bind(credential).settle(await rail.bind(credential).verify(order))


async def _failed(chain: BaseChain, data: str) -> str:
    """The hash of a transaction that is in a block and was reverted there."""
    call = {"from": STRANGER.address, "to": chain.token, "data": data, "gas": hex(200_000)}
    sent: str = chain.rpc.call("eth_sendTransaction", call)
    await until_mined(chain, sent)
    assert int(chain.rpc.call("eth_getTransactionReceipt", sent)["status"], 16) == 0
    return sent
