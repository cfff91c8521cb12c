"""Who pays in load tests."""

from typing import Final

from sandbox.accounts import ACCOUNTS, SELLER, SETTLER, TREASURY

PAYERS: Final = tuple(each for each in ACCOUNTS if each not in {SELLER, SETTLER, TREASURY})
"""Seven, because the pictures of one payer may fill only half of the service's queue."""

ALLOWANCE: Final = 1_000_000_000
"""Base units that each gets on the Base-like chain: 20,000 pictures of five cents. On the other one they are rich."""
