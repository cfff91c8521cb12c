"""Transaction fees: gas by EIP-1559, and the data fee of OP-stack chains such as Base."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from statistics import median_low
from typing import Self

from eth_abi.abi import encode

from errors import RailUnavailable
from payments.evm.abi import selector
from payments.evm.question import JsonRpc, Reverted
from payments.evm.questions import block, call, fee_history, gas_estimate

GAS_LIMIT = 300_000
PLAIN_GAS = 21_000  # of a transaction without a call
USUAL_GAS = 80_000
"""Gas of a transfer that is signed with a key; the signature check of a contract wallet adds to it, up to the limit."""
MIN_TIP_WEI = 1_000_000  # the minimum that nodes of the OP stack suggest

DATA_ORACLE = "0x420000000000000000000000000000000000000F"
"""The OP stack's GasPriceOracle, which returns the fee for publishing a transaction's bytes on layer 1."""
SAMPLE_BYTES = 480
"""Size of the sample. A settlement has about 410 bytes and compresses slightly; the sample does not compress."""
ENVELOPE_BYTES = 120  # of a signed transaction beside its call
_SAMPLE = b"".join(hashlib.sha256(bytes([place])).digest() for place in range(SAMPLE_BYTES // 32))
_LOOKED_AT_BLOCKS, _CHEAPER_PERCENT = 5, 25
_DATA_FEE_CALL = "0x" + (selector("getL1Fee(bytes)") + encode(["bytes"], [_SAMPLE])).hex()


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas: at most `max_fee` in total, of which at most `max_tip` for the block's producer."""

    max_fee: int
    max_tip: int

    def over(self, old: Self, *, cap: int) -> "Fees | None":
        """These fees, raised so that nodes accept them as a replacement of the old ones; None if they exceed the cap.

        Nodes require 10 % more of both. A block can raise the base fee by an eighth.
        """
        fee = max(_an_eighth_more(old.max_fee), self.max_fee)
        if fee > cap:
            return None
        return Fees(fee, min(fee, max(_an_eighth_more(old.max_tip), self.max_tip)))


@dataclass(frozen=True, slots=True)
class Market:
    """The chain's current fees.

    Attributes:
        base_fee, tip: wei per gas; the base fee of the next block, and the usual tip of the latest ones.
        sample_fee: wei for the data of a transaction of `SAMPLE_BYTES`; 0 on chains without a data fee.
    """

    base_fee: int
    tip: int
    sample_fee: int = 0

    def data_fee(self, call_bytes: int = 0) -> int:
        """Wei for the data of a transaction whose call has `call_bytes` bytes."""
        return self.sample_fee * max(SAMPLE_BYTES, ENVELOPE_BYTES + call_bytes) // SAMPLE_BYTES

    def cost(self, gas: int) -> int:
        """Cost in wei of a settlement with this gas in the next block."""
        return (self.base_fee + self.tip) * gas + self.data_fee()

    def offer(self, *, cap: int) -> Fees | None:
        """Fees that the next blocks accept; None if they exceed the cap (wei per gas)."""
        if self.base_fee + self.tip > cap:
            return None
        # Twice the base fee stays valid for at least five full blocks: each may raise it by an eighth.
        return Fees(min(2 * self.base_fee + self.tip, cap), self.tip)


class Prices:
    """The chain's current fees, cached briefly, so that concurrent settlements share one request."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._market: Market | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def now(self, *, max_age_s: float = 0.0) -> Market:
        """The fees, read at most `max_age_s` seconds ago.

        Raises:
            RailUnavailable: the chain does not respond.
        """
        asked_at = time.monotonic()
        async with self._reading:
            if self._market is None or self._read_at < asked_at - max_age_s:
                read_at = time.monotonic()
                (base_fee, tip), sample_fee = await asyncio.gather(_prices(self._rpc), self._data_fee())
                self._market, self._read_at = Market(base_fee, tip, sample_fee), read_at
            return self._market

    async def _data_fee(self) -> int:
        try:
            fee = await self._rpc.ask(call(DATA_ORACLE, _DATA_FEE_CALL))
        except Reverted:
            raise RailUnavailable("The chain's data fee cannot be read. Nothing was charged.") from None
        return int.from_bytes(fee)  # empty, so 0, on a chain without this contract


async def gas_of(rpc: JsonRpc, sender: str, to: str, data: str) -> int | None:
    """The gas that a call would use now; None if it would be reverted.

    Raises:
        RailUnavailable: the chain does not respond.
    """
    try:
        return await rpc.ask(gas_estimate(sender, to, data))
    except Reverted:
        return None


def _an_eighth_more(wei: int) -> int:
    return wei + wei // 8 + 1


async def _prices(rpc: JsonRpc) -> tuple[int, int]:
    """Base fee of the next block, and the tip that is needed for it, in wei.

    The tip is the median over some blocks of the tip of each block's cheaper transactions, so that a few expensive
    transactions cannot raise it.
    """
    history = await rpc.ask(fee_history(_LOOKED_AT_BLOCKS, _CHEAPER_PERCENT))
    if not history.base_fees:  # the node has no fee history of its latest block yet
        return _an_eighth_more((await rpc.ask(block("latest"))).base_fee), MIN_TIP_WEI
    tips = [tip for tip, *_ in filter(None, history.tips)]
    return history.base_fees[-1], max(median_low(tips) if tips else 0, MIN_TIP_WEI)
