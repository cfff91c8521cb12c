"""Fees: what the next blocks take, what data costs, and what lets one transaction replace another."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from eth_account import Account
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from errors import RailUnavailable
from payments.evm.rpc import RpcClient
from payments.x402.fees import DATA_ORACLE, PLAIN_GAS, SAMPLE_BYTES, USUAL_GAS, Fees, Market, Prices, gas_of
from payments.x402.requirements import QuoteTerms
from sandbox import chains
from sandbox.accounts import BUYER, SELLER, SETTLER
from sandbox.chains import BaseChain
from sandbox.rpc_proxy import Control, shim
from tests.fakes.serving import TRUST, serving
from tests.payments.x402.budgets import GWEI
from tests.payments.x402.buyer import authorize, submit, transfer_call
from tests.payments.x402.miner import charging_for_data, mine, standing_still


@pytest.fixture(scope="module")
def base_chain() -> Iterator[BaseChain]:
    """A chain of these tests alone: they set its fees."""
    with chains.base_chain() as chain:
        yield chain


@pytest.fixture
async def rpc(rpc_url: str) -> AsyncIterator[RpcClient]:
    rpc = RpcClient((rpc_url,), timeout_s=3, chain_id=BaseChain.chain_id)
    yield rpc
    await rpc.aclose()


@pytest.fixture(scope="module")
def flaky_url(base_chain: BaseChain) -> Iterator[str]:
    with shim(base_chain.rpc_url, BaseChain.chain_id) as node:
        yield node.url


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
async def test_offers_what_the_next_blocks_take(
    base_chain: BaseChain, rpc: RpcClient, cap: int, fees: Fees | None
) -> None:
    with standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        assert (await Prices(rpc).now()).offer(cap=cap) == fees


async def test_asks_what_data_costs_where_the_chain_takes_a_fee_for_it(base_chain: BaseChain, rpc: RpcClient) -> None:
    """A chain without the oracle takes none; a longer call costs more in proportion, a shorter one is not cheaper."""
    assert (await Prices(rpc).now()).data_fee() == 0
    with charging_for_data(base_chain, 480_000):
        market = await Prices(rpc).now()
    assert [market.data_fee(size) for size in (0, 292, 2 * SAMPLE_BYTES - 120)] == [480_000, 480_000, 960_000]
    assert Market(5, 2, 100).cost(10) == 170


async def test_an_oracle_that_reverts_is_an_outage(base_chain: BaseChain, rpc: RpcClient) -> None:
    """What settling costs is not known then."""
    base_chain.rpc.call("anvil_setCode", DATA_ORACLE, "0x60006000fd")
    with pytest.raises(RailUnavailable):
        await Prices(rpc).now()
    base_chain.rpc.call("anvil_setCode", DATA_ORACLE, "0x")


async def test_many_at_once_ask_once(flaky_url: str, flaky: Control) -> None:
    rpc = RpcClient((flaky_url,), timeout_s=3, chain_id=BaseChain.chain_id)
    prices = Prices(rpc)
    before = flaky.calls()["eth_feeHistory"]
    await asyncio.gather(*(prices.now(max_age_s=60) for _ in range(10)))
    assert flaky.calls()["eth_feeHistory"] == before + 1
    await prices.now()
    assert flaky.calls()["eth_feeHistory"] == before + 2
    await rpc.aclose()


async def test_says_what_a_call_takes_and_when_it_would_be_reverted(
    base_chain: BaseChain, rpc: RpcClient, terms: QuoteTerms
) -> None:
    signed = authorize(Account.from_key(BUYER.key), SELLER.address, "0x" + "7e" * 32, terms)
    call = transfer_call(signed)
    gas = await gas_of(rpc, SETTLER.address, BaseChain.token, call)
    assert gas is not None
    assert PLAIN_GAS < gas < 1.25 * USUAL_GAS
    submit(base_chain, BaseChain.token, call)
    assert await gas_of(rpc, SETTLER.address, BaseChain.token, call) is None


class Forgetful:
    """A node with a fee history of its own."""

    def __init__(self, upstream: str, history: dict[str, object]) -> None:
        self._upstream = upstream
        self._history = history

    async def answer(self, request: Request) -> Response:
        question = await request.json()
        if question["method"] == "eth_feeHistory":
            return JSONResponse({"jsonrpc": "2.0", "id": question["id"], "result": self._history})
        async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
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
        (  # two of five blocks with a transaction that pays a lot
            {
                "baseFeePerGas": [hex(GWEI)] * 5 + [hex(900_000_000)],
                "reward": [[hex(tip)] for tip in (GWEI, 3 * 10**6, 0, GWEI, 2 * 10**6)],
            },
            Fees(1_800_000_000 + 3 * 10**6, 3 * 10**6),
        ),
    ],
)
async def test_does_without_a_history(base_chain: BaseChain, history: dict[str, object], fees: Fees) -> None:
    """Seen of nodes that had a new block, and nothing to tell of it yet."""
    full = {"oldestBlock": "0x1", "gasUsedRatio": [], **history}
    with serving(Forgetful(base_chain.rpc_url, full).app()) as url, standing_still(base_chain):
        mine(base_chain, base_fee_wei=GWEI)
        rpc = RpcClient((url,), timeout_s=3, chain_id=BaseChain.chain_id)
        assert (await Prices(rpc).now()).offer(cap=10 * GWEI) == fees
        await rpc.aclose()
