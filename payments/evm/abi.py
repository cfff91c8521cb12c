"""Words of 32 bytes, topics of logs, call data and the hex of JSON-RPC.

Functions that read a value raise one of `UNREADABLE` if it is malformed.
"""

from functools import lru_cache
from typing import Any

from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

UNREADABLE = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError)
"""Exceptions of reading a malformed value."""

WORD_BYTES = 32


def word(address: str) -> str:
    """An address as 64 hex digits."""
    return address.removeprefix("0x").lower().rjust(2 * WORD_BYTES, "0")


@lru_cache(1024)
def checksummed(address: str) -> str:
    """An address with its checksum (EIP-55). Cached, because it takes a hash, and a sale writes few addresses often."""
    return to_checksum_address(address)


def address_topic(address: str) -> str:
    """An address as an indexed field of a log."""
    return "0x" + word(address)


def event_topic(signature: str) -> str:
    """The first topic of an event's logs; `signature` as in `Transfer(address,address,uint256)`."""
    return "0x" + keccak(text=signature).hex()


def address_in(topic: str) -> str:
    """The address in an indexed field of a log, lower case."""
    return "0x" + topic[-40:].lower()


TRANSFER = event_topic("Transfer(address,address,uint256)")
"""The event of ERC-20 tokens."""


@lru_cache
def selector(signature: str) -> bytes:
    """The first four bytes of a function's call data; `signature` as in `balanceOf(address)`."""
    return function_signature_to_4byte_selector(signature)


def call_data(signature: str, *addresses: str) -> str:
    """The call of a function that takes addresses, 0x-hex."""
    return "0x" + selector(signature).hex() + "".join(map(word, addresses))


def number(value: Any) -> int:
    """A JSON-RPC quantity, or one word."""
    return int(value, 16)


def octets(value: Any) -> bytes:
    """JSON-RPC data: 0x-hex of whole bytes."""
    if value[:2] != "0x":
        raise ValueError("not 0x-hex")
    return bytes.fromhex(value[2:])


def words(data: bytes) -> list[int]:
    """Data, 32 bytes at a time."""
    return [int.from_bytes(data[at : at + WORD_BYTES]) for at in range(0, len(data), WORD_BYTES)]
