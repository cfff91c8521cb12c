"""What settling may cost: a share of the payment before the work, the whole of it afterwards."""

from decimal import Decimal

import pytest

from payments.x402.budget import Budget, gas_for
from payments.x402.config import X402Config
from payments.x402.fees import GAS_LIMIT, USUAL_GAS, Market
from tests.payments.x402.budgets import GWEI, PICTURE, budget

CENT_IN_WEI = 10**18 // 400_000
"""A cent's worth at 4,000 dollars."""


def market(gwei: str = "0", data_wei: int = 0) -> Market:
    return Market(int(Decimal(gwei) * GWEI), 0, data_wei)


@pytest.fixture
def default() -> Budget:
    """The settings' own."""
    x402 = X402Config()
    return Budget(x402.eth_usd, x402.max_fee_share, round(x402.max_fee_gwei * GWEI), PICTURE)


@pytest.mark.parametrize(
    ("gwei", "data_wei", "allows_work"),
    [
        ("0.078", 0, True),
        ("0.079", 0, False),  # half the price of a picture
        ("0", 2 * CENT_IN_WEI, True),
        ("0", 3 * CENT_IN_WEI, False),
        ("0.05", CENT_IN_WEI // 2, True),
        ("0.05", CENT_IN_WEI, False),
    ],
)
def test_the_work_begins_only_when_settling_costs_half_the_price_at_most(
    default: Budget, gwei: str, data_wei: int, allows_work: bool
) -> None:
    assert default.allows_work(PICTURE, market(gwei, data_wei)) == allows_work


def test_what_was_worked_for_is_settled_up_to_break_even(default: Budget) -> None:
    """The figure of the documentation: 0.15625 gwei for a picture of five cents, with ETH at 4,000 dollars."""
    assert default.cap(PICTURE, market(), gas=USUAL_GAS, call_bytes=292) == 156_250_000
    assert default.cap(PICTURE, market(data_wei=CENT_IN_WEI), gas=USUAL_GAS, call_bytes=292) == 125_000_000
    assert default.cap(PICTURE, market(data_wei=6 * CENT_IN_WEI), gas=USUAL_GAS, call_bytes=292) < 0


@pytest.mark.parametrize("times", [2, 10])
def test_the_bound_follows_the_payment(default: Budget, times: int) -> None:
    """A dearer model's picture may cost more to settle, a signature that takes more gas must cost less per gas."""
    one = default.cap(PICTURE, market(), gas=USUAL_GAS, call_bytes=292)
    assert default.cap(PICTURE * times, market(), gas=USUAL_GAS, call_bytes=292) == min(one * times, GWEI)
    assert default.cap(PICTURE, market(), gas=USUAL_GAS * times, call_bytes=292) == one // times
    assert default.allows_work(PICTURE * times, market("0.15"))
    assert not default.allows_work(PICTURE, market("0.15"))
    assert not default.allows_work(PICTURE, market("0.05"), gas=GAS_LIMIT)


def test_nothing_is_sent_above_the_bound_per_gas() -> None:
    """Whatever a payment brings; it holds alone where a call is no payment."""
    rich = budget(max_fee_wei=GWEI)
    assert rich.allows_work(PICTURE, market("1"))
    assert not rich.allows_work(PICTURE, market("1.1"))
    for units in (PICTURE, None):
        assert rich.cap(units, market(), gas=USUAL_GAS, call_bytes=0) == GWEI


def test_says_what_share_a_settlement_takes(default: Budget) -> None:
    assert default.cost_share(market("0.015625")) == Decimal("0.1")


def test_reckons_with_the_whole_limit_for_a_contract_wallet() -> None:
    assert gas_for("0x" + "1b" * 65) == USUAL_GAS
    assert gas_for("0x" + "1b" * 97) == GAS_LIMIT
