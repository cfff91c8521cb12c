"""Own settlement key, verification and refusals: an outage is never the buyer's fault."""

import asyncio
import dataclasses
from collections import Counter

import pytest
from eth_abi.abi import encode
from eth_account import Account
from x402.mechanisms.evm.constants import ERC6492_MAGIC_VALUE

from errors import PaymentRejected, RailUnavailable
from payments.order import Order
from payments.x402.rail import X402Rail
from payments.x402.requirements import QuoteTerms
from sandbox.accounts import STRANGER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import FAULTS, NOBODY, UNITS
from tests.loop_time import loop_time
from tests.payments.x402.buyer import X402Buyer, bought, cancel, empty_purse
from tests.payments.x402.conftest import RailBuilder

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


async def _buy(rail: X402Rail, buyer: X402Buyer, order: Order) -> str:
    credential = await bought(rail, buyer, order)
    receipt = await rail.bind(credential).settle(await rail.bind(credential).verify(order))
    return receipt.transaction
