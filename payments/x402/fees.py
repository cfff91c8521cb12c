"""What a transaction costs and offers: gas by EIP-1559, and the data fee of OP-stack chains such as Base."""

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
PLAIN_GAS = 21_000  # of a transaction that calls nothing
USUAL_GAS = 80_000
"""What a transfer with a plain key's signature takes; a contract wallet's check comes on top, up to the limit."""
MIN_TIP_WEI = 1_000_000  # what nodes of the OP stack suggest at least

DATA_ORACLE = "0x420000000000000000000000000000000000000F"
"""The OP stack's GasPriceOracle: what it costs to put a transaction's bytes onto the layer below."""
SAMPLE_BYTES = 480
"""A settlement has about 410 bytes. The sample does not compress at all, a settlement does a little."""
ENVELOPE_BYTES = 120  # of a signed transaction beside its call
_SAMPLE = b"".join(hashlib.sha256(bytes([place])).digest() for place in range(SAMPLE_BYTES // 32))
_LOOKED_AT_BLOCKS, _CHEAPER_PERCENT = 5, 25
_DATA_FEE_CALL = "0x" + (selector("getL1Fee(bytes)") + encode(["bytes"], [_SAMPLE])).hex()


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas: at most `max_fee` altogether, of which `max_tip` at most goes to the block's producer."""

    max_fee: int
    max_tip: int

    def over(self, old: Self, *, cap: int) -> "Fees | None":
        """These fees, raised to where nodes let them replace the old ones; None when that is more than the cap.

        Nodes want 10 % more of both; an eighth is also what a block may raise the base fee by.
        """
        fee = max(_an_eighth_more(old.max_fee), self.max_fee)
        if fee > cap:
            return None
        return Fees(fee, min(fee, max(_an_eighth_more(old.max_tip), self.max_tip)))


@dataclass(frozen=True, slots=True)
class Market:
    """The chain's present fees.

    Attributes:
        base_fee, tip: wei per gas, of the next block and by the last ones.
        sample_fee: wei for the data of a transaction of `SAMPLE_BYTES`; 0 on chains that take no such fee.
    """

    base_fee: int
    tip: int
    sample_fee: int = 0

    def data_fee(self, call_bytes: int = 0) -> int:
        """Wei for the data of a transaction whose call has so many bytes."""
        return self.sample_fee * max(SAMPLE_BYTES, ENVELOPE_BYTES + call_bytes) // SAMPLE_BYTES

    def cost(self, gas: int) -> int:
        """Wei that a settlement of this gas costs in the next block."""
        return (self.base_fee + self.tip) * gas + self.data_fee()

    def offer(self, *, cap: int) -> Fees | None:
        """Fees that the next blocks accept; None when the cap (wei per gas) is below them."""
        if self.base_fee + self.tip > cap:
            return None
        # Twice the base fee stays valid for at least five full blocks: each may raise it by an eighth.
        return Fees(min(2 * self.base_fee + self.tip, cap), self.tip)


class Prices:
    """The chain's present fees, remembered for a moment: settlements at the same time share one request."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._market: Market | None = None
        self._read_at = 0.0
        self._reading = asyncio.Lock()

    async def now(self, *, max_age_s: float = 0.0) -> Market:
        """What was read at most so many seconds ago.

        Raises:
            RailUnavailable: the chain does not answer.
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
            raise RailUnavailable("The chain does not say what its data costs. Nothing was charged.") from None
        return int.from_bytes(fee)  # no bytes where no code is: the chain takes no such fee


async def gas_of(rpc: JsonRpc, sender: str, to: str, data: str) -> int | None:
    """What a call would take now; None when it would be reverted.

    Raises:
        RailUnavailable: the chain does not answer.
    """
    try:
        return await rpc.ask(gas_estimate(sender, to, data))
    except Reverted:
        return None


def _an_eighth_more(wei: int) -> int:
    return wei + wei // 8 + 1


async def _prices(rpc: JsonRpc) -> tuple[int, int]:
    """Base fee of the next block and the tip that gets a transaction into one, in wei.

    The median over some blocks, of what the cheaper ones of each block paid: nobody can make settling look dear, or us
    pay more, with a few transactions that pay a lot.
    """
    history = await rpc.ask(fee_history(_LOOKED_AT_BLOCKS, _CHEAPER_PERCENT))
    if not history.base_fees:  # a node that has its latest block, but no history of it yet
        return _an_eighth_more((await rpc.ask(block("latest"))).base_fee), MIN_TIP_WEI
    tips = [tip for tip, *_ in filter(None, history.tips)]
    return history.base_fees[-1], max(median_low(tips) if tips else 0, MIN_TIP_WEI)
