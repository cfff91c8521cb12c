"""The x402 rail. Importing it loads web3 (about 1.5 s of CPU): processes that sell nothing need not."""

from payments.x402.rail import X402Rail

__all__ = ["X402Rail"]
