"""Reads amount and expiry from a recorded call, so that the outbox need not store them separately."""

from dataclasses import dataclass
from typing import Self

from eth_utils.crypto import keccak

_CALLS = frozenset(
    keccak(text=f"transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,{signature})")[:4]
    for signature in ("uint8,bytes32,bytes32", "bytes")
)
_WORD = 32
_VALUE, _VALID_BEFORE = 2, 4  # places of the arguments, the same in both


@dataclass(frozen=True, slots=True)
class TransferCall:
    """The call of an EIP-3009 token that settles a payment.

    Attributes:
        value: base units.
        valid_before: unix seconds; blocks of this time or later revert it.
    """

    value: int
    valid_before: int

    @classmethod
    def of(cls, data: str) -> Self | None:
        """The transfer in a call with this data (0x-hex); None if it is another call."""
        raw = bytes.fromhex(data.removeprefix("0x"))
        if raw[:4] not in _CALLS:
            return None
        words = [int.from_bytes(raw[4 + _WORD * place :][:_WORD]) for place in (_VALUE, _VALID_BEFORE)]
        return cls(*words)
