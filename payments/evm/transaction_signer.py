"""The port that signs transactions (EIP-1559), and their encoding.

0x02 ‖ rlp([chain id, nonce, tip, max fee, gas limit, to, value, data, access list, y parity, r, s]), signed over the
Keccak hash of the same without the last three fields. eth-account needs several times the CPU time for the same bytes,
because it checks and converts each field more than once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import coincurve
import rlp  # type: ignore[import-untyped]  # ships no types
from coincurve.utils import GROUP_ORDER_INT
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex

_TYPE = b"\x02"


@dataclass(frozen=True, slots=True)
class Call:
    """What is signed; `data` is 0x-hex, fees are wei per gas. No coin of the chain itself is sent along."""

    chain_id: int
    nonce: int
    to: str
    data: str
    max_fee: int
    max_tip: int
    gas_limit: int

    def fields(self) -> list[Any]:
        """The fields to be signed, in order. Raises ValueError if `to` or `data` is malformed."""
        return [
            *(self.chain_id, self.nonce, self.max_tip, self.max_fee, self.gas_limit),
            *(to_canonical_address(self.to), 0, decode_hex(self.data), []),
        ]


class TransactionSigner(Protocol):
    """Signs for one account: with a key in memory (account_key.py), or a signer elsewhere (remote_signer.py)."""

    @property
    def address(self) -> str:
        """The account, checksummed."""
        ...

    async def sign(self, call: Call) -> tuple[str, bytes]:
        """Hash (0x-hex) and bytes of the signed transaction, within the signer's time limit: locks are held meanwhile.

        Raises:
            RailUnavailable: there is no signature of exactly this call.
            ValueError: the call is malformed.
        """
        ...

    async def check(self) -> None:
        """Check that it would sign now. Raises RailUnavailable with one public sentence."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


def encode(fields: Sequence[Any], *signature: int) -> bytes:
    """A transaction of these fields; `signature` is y parity, r and s, or nothing."""
    return _TYPE + bytes(rlp.encode([*fields, *signature]))


def signing_hash(fields: Sequence[Any]) -> bytes:
    """What a signature of these fields signs."""
    return keccak(encode(fields))


def transaction_hash(raw: bytes) -> str:
    """The hash of a signed transaction, 0x-hex."""
    return f"0x{keccak(raw).hex()}"


def is_signed(raw: bytes, fields: Sequence[Any], address: str) -> bool:
    """Whether these bytes are exactly these fields with a signature of this account that the chain accepts.

    They are encoded again with the signature and compared, so that every field counts, and no other encoding of the
    same fields passes. EIP-2: `s` must be in the lower half of the group order.
    """
    try:
        parity, r, s = map(int.from_bytes, rlp.decode(raw[1:])[-3:])
        if raw != encode(fields, parity, r, s) or parity > 1 or s > GROUP_ORDER_INT // 2:
            return False
        signature = r.to_bytes(32) + s.to_bytes(32) + bytes([parity])
        signer = coincurve.PublicKey.from_signature_and_message(signature, signing_hash(fields), hasher=None)
    except (rlp.DecodingError, RecursionError, OverflowError, TypeError, ValueError):
        return False
    return keccak(signer.format(compressed=False)[1:])[-20:] == to_canonical_address(address)
