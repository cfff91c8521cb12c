"""Fees: what the next blocks take, and what lets one transaction replace another."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payments.x402.fees import Fees, suggested
from payments.x402.rpc import Rpc
from sandbox.chains import BaseChain
from tests.fakes.serving import serving
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
    rpc = Rpc((rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id)
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        assert await suggested(rpc, cap=cap) == fees
    await rpc.aclose()


class Forgetful:
    """A node with a fee history of its own."""

    def __init__(self, upstream: str, history: dict[str, object]) -> None:
        self._upstream = upstream
        self._history = history

    async def answer(self, request: Request) -> Response:
        question = await request.json()
        if question["method"] == "eth_feeHistory":
            return JSONResponse({"jsonrpc": "2.0", "id": question["id"], "result": self._history})
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(self._upstream, json=question)
        return Response(answer.content, media_type="application/json")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])


@pytest.mark.parametrize(
    ("history", "fees"),
    [
        (
            {"baseFeePerGas": [], "reward": []},
            Fees(2 * 1_125_000_001 + 10**6, 10**6),
        ),  # the latest block's, an eighth up
        ({"baseFeePerGas": [hex(GWEI), hex(900_000_000)], "reward": []}, Fees(1_800_000_000 + 10**6, 10**6)),
        ({"baseFeePerGas": [hex(GWEI), hex(900_000_000)], "reward": [[]]}, Fees(1_800_000_000 + 10**6, 10**6)),
        ({"baseFeePerGas": [hex(GWEI), hex(900_000_000)], "reward": None}, Fees(1_800_000_000 + 10**6, 10**6)),
    ],
)
async def test_does_without_a_history(base_chain: BaseChain, history: dict[str, object], fees: Fees) -> None:
    """Seen of nodes that had a new block, and nothing to tell of it yet."""
    full = {"oldestBlock": "0x1", "gasUsedRatio": [], **history}
    with serving(Forgetful(base_chain.rpc_url, full).app()) as url, standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        rpc = Rpc((url,), timeout_s=3, chain_id=BaseChain.chain_id)
        assert await suggested(rpc, cap=10 * GWEI) == fees
        await rpc.aclose()
