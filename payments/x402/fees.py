"""What a transaction offers for its gas (EIP-1559), within what a settlement may cost."""

from dataclasses import dataclass
from typing import Self

from web3.eth import AsyncEth

from payments.x402.rpc import Rpc

# A transfer with a plain key's signature takes about 80,000, a contract wallet's check comes on top.
GAS_LIMIT = 300_000
MIN_TIP_WEI = 1_000_000  # what nodes of the OP stack suggest at least


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


def _an_eighth_more(wei: int) -> int:
    return wei + wei // 8 + 1


async def suggested(rpc: Rpc, *, cap: int) -> Fees | None:
    """Fees that the next blocks take; None when the cap is below them.

    Raises:
        RailUnavailable: the chain does not answer.
    """
    base_fee, tip = await rpc.ask(_prices)
    if base_fee + tip > cap:
        return None
    # Twice the base fee stays valid for at least five full blocks: each may raise it by an eighth.
    return Fees(min(2 * base_fee + tip, cap), tip)


async def _prices(eth: AsyncEth) -> tuple[int, int]:
    """Base fee of the next block and the median tip of the last one, in wei."""
    history = await eth.fee_history(1, "latest", [50])
    fees, tips = history["baseFeePerGas"], history.get("reward")
    if not fees:  # a node that has its latest block, but no history of it yet
        latest = (await eth.get_block("latest"))["baseFeePerGas"]
        return _an_eighth_more(latest), MIN_TIP_WEI
    return fees[-1], max(tips[0][0] if tips and tips[0] else 0, MIN_TIP_WEI)
