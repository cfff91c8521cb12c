"""What settling may cost: never more than it brings.

Two bounds, both shares of the payment's own amount. Before the work a settlement may cost `max_share` of it. Afterwards
the work is spent whatever happens, and only a settlement brings anything: then it may cost the whole amount.
"""

from dataclasses import dataclass
from decimal import Decimal

from payments.money import Price
from payments.x402.config import X402Config
from payments.x402.fees import GAS_LIMIT, USUAL_GAS, Market
from payments.x402.requirements import base_units

_WEI_PER_UNIT = 10**12  # of a dollar's worth of ETH at one dollar: 10**18 wei over 10**6 base units


@dataclass(frozen=True, slots=True)
class Budget:
    """What the operator allows.

    Attributes:
        eth_usd: price of one ETH in US dollars.
        max_share: what settling may cost, as a share of the payment, for the work to begin.
        max_fee_wei: wei per gas at most, whatever a payment brings.
        highest_units: what the dearest picture brings, in base units of USDC.
    """

    eth_usd: Decimal
    max_share: Decimal
    max_fee_wei: int
    highest_units: int

    @classmethod
    def of(cls, config: X402Config, highest_price: Price) -> "Budget":
        """What the settings allow, where the dearest picture has this price."""
        max_fee_wei = round(config.max_fee_gwei * 10**9)
        return cls(config.eth_usd, config.max_fee_share, max_fee_wei, base_units(highest_price))

    def takes_on(self, units: int, market: Market, *, gas: int = USUAL_GAS) -> bool:
        """Whether to begin the work for a payment of `units`."""
        fee = market.base_fee + market.tip
        return fee <= self.max_fee_wei and market.cost(gas) <= self._wei(units) * self.max_share

    def cap(self, units: int | None, market: Market, *, gas: int, call_bytes: int) -> int:
        """Wei per gas at most for a transaction that brings `units`, at break-even; None: the call is not a payment.

        May be negative: then the data alone costs more than the payment brings.
        """
        if units is None:
            return self.max_fee_wei
        left = int(self._wei(units)) - market.data_fee(call_bytes)
        return min(self.max_fee_wei, left // gas)

    def cost_share(self, market: Market) -> Decimal:
        """What settling the dearest picture's payment costs now, as a share of it."""
        return market.cost(USUAL_GAS) / self._wei(self.highest_units)

    def _wei(self, units: int) -> Decimal:
        return units * _WEI_PER_UNIT / self.eth_usd


def gas_for(signature: str) -> int:
    """Gas to reckon with before the chain is asked, by the length of a payment's signature (0x-hex)."""
    plain_key = len(signature) == len("0x") + 2 * 65
    return USUAL_GAS if plain_key else GAS_LIMIT
