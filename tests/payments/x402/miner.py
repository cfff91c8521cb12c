"""The one who makes the blocks, told what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

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
