"""What settling may cost, in tests."""

from decimal import Decimal

from payments.x402.budget import Budget

GWEI = 10**9
PICTURE = 50_000
"""Base units: $0.05."""


def budget(*, eth_usd: str = "0.01", share: str = "1", max_fee_wei: int = 10 * GWEI, units: int = PICTURE) -> Budget:
    """A budget that only the bound per gas limits, unless told otherwise: ETH for a cent."""
    return Budget(Decimal(eth_usd), Decimal(share), max_fee_wei, units)
