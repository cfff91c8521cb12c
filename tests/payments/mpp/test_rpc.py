"""JSON-RPC that answers in time or not at all."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from errors import RailUnavailable
from payments.mpp.rpc import NodeError, Rpc, WrongChain
from sandbox.chains import BaseChain, TempoChain
from sandbox.rpc_proxy import Control, Mode
from tests.contracts.rail_contract import NOBODY


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def rpc(client: httpx.AsyncClient, rpc_url: str) -> Rpc:
    return Rpc((rpc_url,), client, chain_id=TempoChain.chain_id, timeout_s=0.5)


async def test_gives_the_result(rpc: Rpc) -> None:
    assert await rpc.call("eth_chainId") == hex(42431)


async def test_a_null_is_a_result(rpc: Rpc) -> None:
    assert await rpc.call("eth_getTransactionReceipt", "0x" + "0" * 64) is None


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang", "drop_after_send"])
async def test_everything_else_is_an_outage(rpc: Rpc, faults: Control, mode: Mode) -> None:
    faults.inject(mode, seconds=3.0)
    started = time.monotonic()
    with pytest.raises(RailUnavailable):
        await rpc.call("eth_chainId")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("path", ["", "/ctl"], ids=["nobody listens", "no JSON-RPC"])
async def test_a_url_without_a_node_is_an_outage(client: httpx.AsyncClient, rpc_url: str, path: str) -> None:
    rpc = Rpc((f"{rpc_url}/nowhere" if path else NOBODY,), client, chain_id=TempoChain.chain_id, timeout_s=0.5)
    with pytest.raises(RailUnavailable):
        await rpc.call("eth_chainId")


@pytest.mark.parametrize("mode", ["error5xx", "rpcerror", "hang", "drop_after_send"])
async def test_the_second_url_answers_when_the_first_does_not(
    client: httpx.AsyncClient, rpc_url: str, second_url: str, mode: Mode
) -> None:
    Control(second_url).inject(mode, seconds=3.0)
    rpc = Rpc((second_url, rpc_url), client, chain_id=TempoChain.chain_id, timeout_s=0.5)
    assert await rpc.call("eth_chainId") == hex(42431)


async def test_the_url_that_answered_last_is_asked_first(
    client: httpx.AsyncClient, rpc_url: str, second_url: str
) -> None:
    rpc = Rpc((NOBODY, second_url, rpc_url), client, chain_id=TempoChain.chain_id, timeout_s=0.5)
    assert rpc.urls[0] == NOBODY
    await rpc.call("eth_chainId")
    assert rpc.urls == (second_url, NOBODY, rpc_url)
    Control(second_url).inject("error5xx")
    await rpc.call("eth_chainId")
    assert rpc.urls[0] == rpc_url


async def test_questions_that_belong_together_are_answered_by_one_node(
    client: httpx.AsyncClient, rpc_url: str, second_url: str
) -> None:
    """The time of one node says nothing about the blocks of another.

    Nobody else asks for `net_version`: a call that another test left hanging may still reach the chain.
    """
    flaky = Control(second_url)
    flaky.inject("error5xx", methods=["eth_getTransactionReceipt"])
    rpc = Rpc((second_url, rpc_url), client, chain_id=TempoChain.chain_id, timeout_s=0.5)
    questions = [("net_version",), ("eth_getTransactionReceipt", "0x" + "0" * 64)]
    before = Control(rpc_url).calls()
    assert await rpc.ask(*questions) == ["42431", None]
    asked = Control(rpc_url).calls() - before
    assert asked["net_version"] == 2  # the first URL leads to the same chain
    assert asked["eth_getTransactionReceipt"] == 1


async def test_two_silent_urls_are_an_outage(client: httpx.AsyncClient) -> None:
    with pytest.raises(RailUnavailable):
        await Rpc((NOBODY, f"{NOBODY}/2"), client, chain_id=TempoChain.chain_id, timeout_s=0.5).call("eth_chainId")


async def test_a_nodes_error_is_an_answer_where_it_is_asked_for(rpc: Rpc, rpc_url: str) -> None:
    known, unknown = await rpc.answers_at(rpc_url, ("net_version",), ("no_such_method",))
    assert known == "42431"
    assert isinstance(unknown, NodeError)
    assert unknown.code == -32601


@pytest.mark.parametrize("place", ["first", "second"])
async def test_a_url_of_another_chain_is_never_asked(
    client: httpx.AsyncClient, rpc_url: str, base_chain: BaseChain, place: str
) -> None:
    """Not even when it is the only one that answers."""
    urls = (base_chain.rpc_url, rpc_url) if place == "first" else (rpc_url, base_chain.rpc_url)
    rpc = Rpc(urls, client, chain_id=TempoChain.chain_id, timeout_s=2.0)
    assert await rpc.call("eth_chainId") == hex(TempoChain.chain_id)
    with pytest.raises(WrongChain):
        await rpc.ask_at(base_chain.rpc_url, ("eth_blockNumber",))
    with pytest.raises(RailUnavailable):
        await Rpc((base_chain.rpc_url, NOBODY), client, chain_id=TempoChain.chain_id, timeout_s=2.0).call("net_version")
