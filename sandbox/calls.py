"""Calls of contracts, as the bytes a transaction carries (Solidity's contract ABI)."""

from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def call_data(signature: str, *arguments: Any) -> str:
    """The call of a contract's function as 0x-hex: `call_data("transfer(address,uint256)", to, value)`."""
    types = signature[signature.index("(") + 1 : -1]
    return "0x" + (keccak(text=signature)[:4] + encode([kind for kind in types.split(",") if kind], arguments)).hex()
