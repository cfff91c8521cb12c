"""JSON-RPC that answers in time or not at all."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from errors import RailUnavailable
from payments.mpp.rpc import Rpc
from sandbox.shim import Control, Mode
from tests.contracts.rail_contract import NOBODY


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest.fixture
def rpc(client: httpx.AsyncClient, rpc_url: str) -> Rpc:
    return Rpc(rpc_url, client, timeout_s=0.5)


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
    rpc = Rpc(f"{rpc_url}/nowhere" if path else NOBODY, client, timeout_s=0.5)
    with pytest.raises(RailUnavailable):
        await rpc.call("eth_chainId")
