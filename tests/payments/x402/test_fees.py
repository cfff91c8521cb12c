"""Fees: what the next blocks take, and what lets one transaction replace another."""

import pytest

from payments.x402.fees import Fees, suggested
from payments.x402.rpc import Rpc
from sandbox.chains import BaseChain
from tests.payments.x402.miner import mine, standing_still

GWEI = 10**9


@pytest.mark.parametrize(
    ("market", "old", "raised"),
    [
        (Fees(100, 10), Fees(800, 80), Fees(901, 91)),  # an eighth, rounded up
        (Fees(2000, 200), Fees(800, 80), Fees(2000, 200)),
        (Fees(100, 200), Fees(800, 80), Fees(901, 200)),
        (Fees(100, 2000), Fees(800, 80), Fees(901, 901)),  # never more tip than fee
        (Fees(100, 10), Fees(2700, 80), None),
        (Fees(3000, 10), Fees(800, 80), None),
    ],
)
def test_replaces_what_is_dearer_by_an_eighth_within_the_cap(market: Fees, old: Fees, raised: Fees | None) -> None:
    assert market.over(old, cap=2500) == raised


@pytest.mark.parametrize(
    ("cap", "fees"),
    [
        (10 * GWEI, Fees(1_750_000_000 + 10**6, 10**6)),  # twice the next base fee, and the least tip
        (GWEI, Fees(GWEI, 10**6)),
        (875_000_000, None),
    ],
)
async def test_suggests_what_the_next_blocks_take(
    base_chain: BaseChain, rpc_url: str, cap: int, fees: Fees | None
) -> None:
    rpc = Rpc((rpc_url,), timeout_s=3)
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        assert await suggested(rpc, cap=cap) == fees
    await rpc.aclose()
