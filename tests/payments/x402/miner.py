"""The one who makes the blocks, told what to do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from payments.outbox import Outbox, Sent
from payments.x402.fees import DATA_ORACLE
from sandbox.chains import BaseChain


@contextmanager
def standing_still(chain: BaseChain) -> Iterator[None]:
    """No block comes by itself until the end of the block."""
    chain.rpc.call("evm_setIntervalMining", 0)
    try:
        yield
    finally:
        chain.rpc.call("evm_setIntervalMining", 1)


def mine(chain: BaseChain, *, base_fee_wei: int | None = None) -> None:
    """One block, at this base fee if one is given."""
    if base_fee_wei is not None:
        chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
    chain.rpc.call("evm_mine")


@contextmanager
def charging_for_data(chain: BaseChain, wei: int) -> Iterator[None]:
    """Until the end of the block, an oracle as on chains of the OP stack: this much for any transaction's data."""
    push32, mstore_return = "7f", "60005260206000f3"
    chain.rpc.call("anvil_setCode", DATA_ORACLE, f"0x{push32}{wei:064x}{mstore_return}")
    try:
        yield
    finally:
        chain.rpc.call("anvil_setCode", DATA_ORACLE, "0x")


async def until_sent(chain: BaseChain, outbox: Outbox, reference: str) -> Sent:
    """A payment's transaction, once the node knows it."""
    async with asyncio.timeout(10):
        while True:
            for sent in await outbox.of(reference):
                if chain.rpc.call("eth_getTransactionByHash", sent.hash) is not None:
                    return sent
            await asyncio.sleep(0.05)


async def until_mined(chain: BaseChain, *hashes: str, seconds: float = 15.0) -> None:
    """Every one of these transactions is in a block."""
    async with asyncio.timeout(seconds):
        while any(chain.rpc.call("eth_getTransactionReceipt", sent) is None for sent in hashes):  # noqa: ASYNC110 - a chain
            await asyncio.sleep(0.1)


def nonce_of(chain: BaseChain, sent: str) -> int:
    """The nonce of a transaction that the node knows."""
    return int(chain.rpc.call("eth_getTransactionByHash", sent)["nonce"], 16)
