"""The broadcaster: nonces without gaps or collisions, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from eth_account import Account
from eth_typing import HexStr

from errors import RailUnavailable
from payments.x402.broadcaster import Broadcaster
from payments.x402.rpc import NodeRefusal, Rpc
from sandbox.accounts import SETTLER, STRANGER
from sandbox.chains import BaseChain
from sandbox.shim import Control

NO_DATA = HexStr("0x")


@pytest.fixture
async def new_broadcaster() -> AsyncIterator[Callable[..., Broadcaster]]:
    """Makes broadcasters of the settlement key under one common lock."""
    lock = asyncio.Lock()
    opened: list[Rpc] = []

    def build(url: str, key: str = SETTLER.key) -> Broadcaster:
        opened.append(Rpc((url,), timeout_s=1))
        return Broadcaster(opened[-1], key, chain_id=BaseChain.chain_id, lock=lambda: lock)

    yield build
    for rpc in opened:
        await rpc.aclose()


async def nonces(chain: BaseChain, hashes: list[str]) -> list[int]:
    """The nonces of transactions, once all of them are in a block."""
    async with asyncio.timeout(5):
        while any(chain.rpc.call("eth_getTransactionReceipt", sent) is None for sent in hashes):  # noqa: ASYNC110 - a chain
            await asyncio.sleep(0.1)
    return sorted(int(chain.rpc.call("eth_getTransactionByHash", sent)["nonce"], 16) for sent in hashes)


async def test_many_at_once_from_two_processes_leave_no_gap(
    base_chain: BaseChain, new_broadcaster: Callable[..., Broadcaster]
) -> None:
    both = [new_broadcaster(base_chain.rpc_url) for _ in range(2)]
    sent = await asyncio.gather(*(both[i % 2].send(STRANGER.address, NO_DATA) for i in range(20)))
    used = await nonces(base_chain, sent)
    assert used == list(range(used[0], used[0] + 20))
    assert await both[0].idle()


async def test_transactions_pay_by_eip_1559(base_chain: BaseChain, new_broadcaster: Callable[..., Broadcaster]) -> None:
    sent = await new_broadcaster(base_chain.rpc_url).send(STRANGER.address, NO_DATA)
    transaction = base_chain.rpc.call("eth_getTransactionByHash", sent)
    base_fee = int(base_chain.rpc.call("eth_getBlockByNumber", "latest", False)["baseFeePerGas"], 16)
    assert transaction["type"] == "0x2"
    assert int(transaction["maxFeePerGas"], 16) > base_fee
    await nonces(base_chain, [sent])


@pytest.mark.parametrize("method", ["eth_feeHistory", "eth_getTransactionCount", "eth_sendRawTransaction"])
async def test_a_failure_leaves_no_gap(
    base_chain: BaseChain,
    new_broadcaster: Callable[..., Broadcaster],
    flaky_url: str,
    flaky: Control,
    method: str,
) -> None:
    broadcaster = new_broadcaster(flaky_url)
    first = await broadcaster.send(STRANGER.address, NO_DATA)
    flaky.inject("rpcerror", methods=[method], count=1)
    with pytest.raises((RailUnavailable, NodeRefusal)):
        await broadcaster.send(STRANGER.address, NO_DATA)
    second = await broadcaster.send(STRANGER.address, NO_DATA)
    used = await nonces(base_chain, [first, second])
    assert used == [used[0], used[0] + 1]


async def test_a_lost_reply_leaves_no_gap(
    base_chain: BaseChain, new_broadcaster: Callable[..., Broadcaster], flaky_url: str, flaky: Control
) -> None:
    """The hash is known before the reply; the transaction is in a block with the others."""
    broadcaster = new_broadcaster(flaky_url)
    flaky.inject("drop_after_send", methods=["eth_sendRawTransaction"], count=1)
    sent = [await broadcaster.send(STRANGER.address, NO_DATA) for _ in range(3)]
    used = await nonces(base_chain, sent)
    assert used == list(range(used[0], used[0] + 3))


async def test_a_key_without_gas_is_refused_by_the_node(
    base_chain: BaseChain, new_broadcaster: Callable[..., Broadcaster]
) -> None:
    pauper = new_broadcaster(base_chain.rpc_url, Account.create().key.to_0x_hex())
    assert not await pauper.can_pay_gas()
    with pytest.raises(NodeRefusal):
        await pauper.send(STRANGER.address, NO_DATA)


@pytest.mark.parametrize("key", ["", "0x12", "hello", SETTLER.key[:-1], SETTLER.key + "00", "0" * 64, "f" * 64])
def test_a_wrong_key_is_not_quoted(key: str, rpc_url: str) -> None:
    with pytest.raises(ValueError, match="not a private key of 32 bytes in hex") as refusal:
        Broadcaster(Rpc((rpc_url,), timeout_s=1), key, chain_id=1, lock=asyncio.Lock)
    assert not key or key not in str(refusal.value)
