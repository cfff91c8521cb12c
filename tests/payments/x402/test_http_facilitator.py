"""A facilitator service: its outages are 503, its lost answers are looked up on the chain."""

import asyncio
import time

import pytest
from eth_account import Account

from errors import PaymentOutcomeUnknown, PaymentRejected, RailUnavailable
from payments.rail import Order
from payments.x402 import X402Rail
from payments.x402.requirements import Terms
from sandbox.accounts import STRANGER
from sandbox.chains import BaseChain
from tests.contracts.rail_contract import NOBODY, UNITS
from tests.fakes.facilitator import Facilitator, Mode
from tests.fakes.serving import serving
from tests.payments.x402.buyer import X402Buyer, bought, cancel, empty_purse
from tests.payments.x402.conftest import RailBuilder


@pytest.fixture
def rail(new_rail: RailBuilder, facilitator_url: str) -> X402Rail:
    return new_rail(
        facilitator_url=facilitator_url,
        settlement_key=None,
        lock=None,
        verify_timeout_s=1.0,
        settle_timeout_s=2.0,
        doubt_s=1.0,
    )


@pytest.fixture
def blind_rail(new_rail: RailBuilder, facilitator_url: str) -> X402Rail:
    """Without an RPC URL there is nobody to ask in doubt."""
    return new_rail(None, facilitator_url=facilitator_url, settlement_key=None, lock=None, settle_timeout_s=2.0)


@pytest.mark.parametrize("mode", ["hang", "error", "garbage", "vague"])
async def test_verification_calls_an_outage_an_outage(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    credential = await bought(rail, buyer, order)
    facilitator.mode = mode
    start = time.monotonic()
    with pytest.raises(RailUnavailable) as outage:
        await rail.verify(credential, order)
    assert time.monotonic() - start < 1.5
    assert "KEY" not in str(outage.value)


async def test_a_facilitator_that_lost_its_chain_does_not_make_a_payment_bad(
    new_rail: RailBuilder, buyer: X402Buyer, order: Order
) -> None:
    """The SDK's facilitator answers a bad signature then."""
    facilitator = Facilitator(rpc_url=NOBODY, key=STRANGER.key, network="eip155:84532")
    with serving(facilitator.app()) as url:
        rail = new_rail(None, facilitator_url=url, settlement_key=None, lock=None)
        with pytest.raises(RailUnavailable):
            await rail.verify(await bought(rail, buyer, order), order)


@pytest.mark.parametrize("mode", ["lost_reply", "late_reply"])
async def test_the_chain_knows_what_a_facilitator_did_not_report(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """The money moved and the answer never came: the buyer gets the receipt and pays once."""
    credential = await bought(rail, buyer, order)
    payment = await rail.verify(credential, order)
    before = buyer.received()
    facilitator.mode = mode
    receipt = await rail.settle(payment, credential)
    assert buyer.received() == before + UNITS
    assert receipt.transaction.startswith("0x")


@pytest.mark.parametrize("mode", ["hang", "error", "garbage", "vague"])
async def test_a_settlement_without_an_answer_is_unknown(
    rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order, mode: Mode
) -> None:
    """Nothing moved yet, but only the facilitator knows whether it still will; the same payment settles later."""
    credential = await bought(rail, buyer, order)
    payment = await rail.verify(credential, order)
    before = buyer.received()
    facilitator.mode = mode
    with pytest.raises(PaymentOutcomeUnknown) as unknown:
        await rail.settle(payment, credential)
    assert "KEY" not in str(unknown.value)
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.find_receipt(payment)
    assert buyer.received() == before
    facilitator.mode = "well"
    await rail.settle(payment, credential)
    assert buyer.received() == before + UNITS


async def test_without_a_chain_a_lost_answer_stays_unknown(
    blind_rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    """A second try says "used already", which may have been the first: that is no refusal."""
    credential = await bought(blind_rail, buyer, order)
    payment = await blind_rail.verify(credential, order)
    before = buyer.received()
    facilitator.mode = "lost_reply"
    with pytest.raises(PaymentOutcomeUnknown):
        await blind_rail.settle(payment, credential)
    facilitator.mode = "well"
    with pytest.raises(PaymentOutcomeUnknown):
        await blind_rail.settle(payment, credential)
    with pytest.raises(PaymentOutcomeUnknown):
        await blind_rail.find_receipt(payment)
    assert buyer.received() == before + UNITS


async def test_without_a_chain_it_sells(
    blind_rail: X402Rail, facilitator: Facilitator, buyer: X402Buyer, order: Order
) -> None:
    credential = await bought(blind_rail, buyer, order)
    before = buyer.received()
    await blind_rail.settle(await blind_rail.verify(credential, order), credential)
    assert buyer.received() == before + UNITS
    assert await blind_rail.health() is None


@pytest.mark.parametrize("with_chain", [True, False])
async def test_passes_on_a_definite_refusal_at_settlement(
    new_rail: RailBuilder,
    rpc_url: str,
    facilitator: Facilitator,
    facilitator_url: str,
    buyer: X402Buyer,
    order: Order,
    with_chain: bool,
) -> None:
    """The authorization ran out during the work: the facilitator sent nothing, so the buyer may sign a new one."""
    rail = new_rail(
        rpc_url if with_chain else None,
        facilitator_url=facilitator_url,
        settlement_key=None,
        lock=None,
        max_timeout_seconds=8,
        min_validity_s=0,
    )
    credential = await bought(rail, buyer, order)
    payment = await rail.verify(credential, order)
    before = buyer.received()
    await asyncio.sleep(3)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.settle(payment, credential)
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
    payment = await rail.verify(credential, order)
    empty_purse(base_chain, purse)
    before = buyer.received()
    with pytest.raises(PaymentOutcomeUnknown):
        await rail.settle(payment, credential)
    assert buyer.received() == before


async def test_a_cancelled_authorization_is_refused_on_the_word_of_the_chain(
    rail: X402Rail, facilitator: Facilitator, base_chain: BaseChain, buyer: X402Buyer, order: Order, terms: Terms
) -> None:
    credential = await bought(rail, buyer, order)
    payment = await rail.verify(credential, order)
    cancel(base_chain, credential.signed.authorization, terms)
    with pytest.raises(PaymentRejected) as refusal:
        await rail.settle(payment, credential)
    assert refusal.value.reason == "invalid_exact_evm_nonce_already_used"


async def test_says_that_a_facilitator_is_out(new_rail: RailBuilder) -> None:
    rail = new_rail(None, facilitator_url=NOBODY, settlement_key=None, lock=None)
    assert await rail.health() == "The payment facilitator does not answer."


async def test_says_that_a_facilitator_settles_elsewhere(
    new_rail: RailBuilder, facilitator: Facilitator, facilitator_url: str
) -> None:
    rail = new_rail(None, chain_id=8453, facilitator_url=facilitator_url, settlement_key=None, lock=None)
    assert await rail.health() == "The payment facilitator does not settle on eip155:8453."
