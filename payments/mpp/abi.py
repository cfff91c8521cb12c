"""Words of 32 bytes and JSON-RPC quantities."""

from typing import Any

from eth_utils.abi import function_signature_to_4byte_selector

from errors import RailUnavailable

UNREADABLE_ANSWER = "The payment chain's answer cannot be read. Nothing was charged."
UNREADABLE = (KeyError, IndexError, TypeError, AttributeError, ValueError)
"""What reading a malformed answer raises."""


def word(address: str) -> str:
    """An address as 64 hex digits."""
    return address.removeprefix("0x").lower().rjust(64, "0")


def call_data(signature: str, *addresses: str) -> str:
    """The call of a function that takes addresses, 0x-hex; `signature` as in `balanceOf(address)`."""
    return "0x" + function_signature_to_4byte_selector(signature).hex() + "".join(map(word, addresses))


def topic(address: str) -> str:
    """An address as an indexed field of a log."""
    return "0x" + word(address)


def number(value: Any) -> int:
    """A JSON-RPC quantity, or one word. Raises RailUnavailable for anything else."""
    try:
        return int(value, 16)
    except (ValueError, TypeError):
        raise RailUnavailable(UNREADABLE_ANSWER) from None


def words(value: Any) -> list[int]:
    """The 32-byte words that a call returned. Raises RailUnavailable for anything else."""
    try:
        data = bytes.fromhex(value.removeprefix("0x"))
    except UNREADABLE:
        raise RailUnavailable(UNREADABLE_ANSWER) from None
    return [int.from_bytes(data[at : at + 32]) for at in range(0, len(data), 32)]
