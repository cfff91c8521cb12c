"""The one who makes the blocks, told what to do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from payments.outbox import Outbox, Sent
from payments.x402.fees import DATA_ORACLE
from sandbox.chains import BaseChain

USUAL_WEI = 30_000_000
LOOKED_AT_BLOCKS = 5


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


def usual_fees(chain: BaseChain) -> None:
    """Make settling cheap again where earlier tests have left high fees or generous tips in the last blocks.

    Blocks are mined only then: each puts the chain's clock a second ahead.
    """
    history = chain.rpc.call("eth_feeHistory", hex(LOOKED_AT_BLOCKS), "latest", [25])
    tips = [int(tip, 16) for [tip] in history["reward"]]
    if int(history["baseFeePerGas"][-1], 16) > USUAL_WEI or sum(tip > USUAL_WEI for tip in tips) >= 2:
        for _ in range(LOOKED_AT_BLOCKS):
            mine(chain, base_fee_wei=USUAL_WEI // 2)


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
