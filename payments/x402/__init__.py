"""The x402 rail: USDC on Base. This describes it; `payments.x402.rail` implements it, and loads web3 (1.5 s of CPU)."""

from payments.x402.info import RAIL

__all__ = ["RAIL"]
