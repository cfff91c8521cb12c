"""Calls of contracts, as the bytes a transaction carries (Solidity's contract ABI)."""

from typing import Any


def call_data(signature: str, *arguments: Any) -> str:
    """The call of a contract's function as 0x-hex: `call_data("transfer(address,uint256)", to, value)`."""
    # Half a second that only those pay who call a contract; a service whose chains stand does not.
    from eth_abi.abi import encode  # noqa: PLC0415
    from eth_utils.crypto import keccak  # noqa: PLC0415

    types = signature[signature.index("(") + 1 : -1]
    return "0x" + (keccak(text=signature)[:4] + encode([kind for kind in types.split(",") if kind], arguments)).hex()
