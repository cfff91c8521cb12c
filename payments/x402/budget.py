"""Limits of the cost of a settlement: never more than the payment.

There are two limits. Before the work, a settlement may cost `max_share` of the payment's amount. After the work it may
cost the whole amount, because the work cannot be undone and only the settlement earns anything.
"""

from dataclasses import dataclass
from decimal import Decimal

from payments.money import Price
from payments.x402.config import X402Config
from payments.x402.fees import GAS_LIMIT, USUAL_GAS, Market
from payments.x402.requirements import base_units

_WEI_PER_UNIT = 10**12  # at one dollar per ETH: 10**18 wei over 10**6 base units


@dataclass(frozen=True, slots=True)
class Budget:
    """The operator's limits.

    Attributes:
        eth_usd: price of one ETH in US dollars.
        max_share: maximum cost of a settlement before the work, as a share of the payment.
        max_fee_wei: maximum wei per gas, independent of the payment.
        highest_units: the highest price in base units of USDC.
    """

    eth_usd: Decimal
    max_share: Decimal
    max_fee_wei: int
    highest_units: int

    @classmethod
    def of(cls, config: X402Config, highest_price: Price) -> "Budget":
        """The limits in the settings, for this highest price."""
        max_fee_wei = round(config.max_fee_gwei * 10**9)
        return cls(config.eth_usd, config.max_fee_share, max_fee_wei, base_units(highest_price))

    def allows_work(self, units: int, market: Market, *, gas: int = USUAL_GAS) -> bool:
        """Whether the work for a payment of `units` may begin."""
        fee = market.base_fee + market.tip
        return fee <= self.max_fee_wei and market.cost(gas) <= self._wei(units) * self.max_share

    def cap(self, units: int | None, market: Market, *, gas: int, call_bytes: int) -> int:
        """Maximum wei per gas for the transaction of a payment of `units`, at break-even; None: it is not a payment.

        Negative if the data fee alone exceeds the payment.
        """
        if units is None:
            return self.max_fee_wei
        left = int(self._wei(units)) - market.data_fee(call_bytes)
        return min(self.max_fee_wei, left // gas)

    def cost_share(self, market: Market) -> Decimal:
        """The current cost of settling a payment of the highest price, as a share of it."""
        return market.cost(USUAL_GAS) / self._wei(self.highest_units)

    def _wei(self, units: int) -> Decimal:
        return units * _WEI_PER_UNIT / self.eth_usd


def gas_for(signature: str) -> int:
    """Estimated gas of a settlement, by the length of the payment's signature (0x-hex)."""
    plain_key = len(signature) == len("0x") + 2 * 65
    return USUAL_GAS if plain_key else GAS_LIMIT
