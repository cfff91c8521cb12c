"""Own settlement key, gas and cost: the rail is out while settling costs more than it may."""

import asyncio
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal

import pytest
from eth_account import Account
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.money import Price
from payments.order import Order
from sandbox.chains import BaseChain
from storage import SqlOutbox
from tests.contracts.rail_contract import UNITS
from tests.payments.x402.budgets import GWEI
from tests.payments.x402.buyer import X402Buyer, bought
from tests.payments.x402.conftest import RailBuilder
from tests.payments.x402.miner import charging_for_data, mine, standing_still
from tests.payments.x402.outcomes import found_receipt


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


TOO_DEAR = "Settling a payment now costs more than 50% of its price."
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
    assert await found_receipt(rail, payment)


def affordable() -> float | None:
    return REGISTRY.get_sample_value("clearcanvas_settlements_affordable")


def cost_share() -> float | None:
    return REGISTRY.get_sample_value("clearcanvas_settlement_cost_share")
