"""What pictures cost an operator, and how many hosts they need. All prices are US dollars, and the operator's own."""

import math
from dataclasses import dataclass

GAS = 80_000
"""Of an x402 settlement with our own key (docs/configuration.md); an MPP payer pays the gas."""

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Prices:
    """What the operator pays.

    Attributes:
        core_hour: for one core, one hour.
        gb_hour: for a gigabyte of memory, one hour.
        egress_gb: for a gigabyte sent.
        gas_gwei: for one gas, in gwei.
        eth: for one ETH.
        facilitator: for one settlement by others; then no gas.
    """

    core_hour: float
    gb_hour: float = 0.0
    egress_gb: float = 0.0
    gas_gwei: float = 0.0
    eth: float = 0.0
    facilitator: float = 0.0


@dataclass(frozen=True, slots=True)
class Use:
    """What a picture takes.

    Attributes:
        cpu_s: of the service's cores.
        megabytes: of the result, sent.
        utilisation: share of the paid cores that works, over the day.
        gb_per_core: memory that is paid for each core.
        x402: share of the sales that settle over x402.
    """

    cpu_s: float
    megabytes: float
    utilisation: float = 0.5
    gb_per_core: float = 2.0
    x402: float = 0.5


def per_thousand(prices: Prices, use: Use) -> dict[str, float]:
    """Dollars for 1,000 pictures, by what they are spent on."""
    core_hours = 1000 * use.cpu_s / 3600 / use.utilisation
    settlement = prices.facilitator or GAS * prices.gas_gwei * 1e-9 * prices.eth
    return {
        "cores": core_hours * prices.core_hour,
        "memory": core_hours * use.gb_per_core * prices.gb_hour,
        "traffic": 1000 * use.megabytes / 1000 * prices.egress_gb,
        "settlement": 1000 * use.x402 * settlement,
    }


def hosts(per_day: float, *, pictures_s_per_host: float, busiest: float = 3.0, load: float = 0.6) -> int:
    """Hosts for so many pictures a day.

    Args:
        pictures_s_per_host: what one host sells at most.
        busiest: how many times the average the busiest hour is.
        load: share of the most at which a host should work, so that queues stay short and one may fail.
    """
    return max(1, math.ceil(per_day / _DAY_S * busiest / (pictures_s_per_host * load)))
