"""Money: a price in dollars, and integers of base units everywhere else."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """A price in US dollars; every accepted token is a dollar token.

    Raises:
        ValueError: not a positive, finite amount.
    """

    usd: Decimal

    def __post_init__(self) -> None:
        if not (self.usd.is_finite() and self.usd > 0):
            raise ValueError(f"a price must be a positive amount of dollars, not {self.usd}")

    def base_units(self, decimals: int) -> int:
        """The price as an integer of a token's smallest units: $0.05 at 6 decimals is 50000.

        Raises:
            ValueError: the token cannot express the price.
        """
        units = self.usd.scaleb(decimals)
        if units != units.to_integral_value():
            raise ValueError(f"${self.usd} has more than {decimals} decimal places")
        return int(units)

    def __str__(self) -> str:
        return f"{self.usd:f}"
