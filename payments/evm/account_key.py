"""A private key, which signs transactions (EIP-1559).

0x02 ‖ rlp([chain id, nonce, tip, max fee, gas limit, to, value, data, access list, y parity, r, s]), signed over the
Keccak hash of the same without the last three fields. eth-account needs several times the CPU time for the same bytes,
because it checks and converts each field more than once.
"""

from dataclasses import dataclass

import coincurve
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex
from pydantic import SecretStr

from settings_types import account_of

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


class AccountKey:
    """Signs for one account.

    Args:
        key: 32 bytes as hex.

    Raises:
        ValueError: it is not a private key.
    """

    def __init__(self, key: str) -> None:
        self._address = account_of(SecretStr(key))
        self._key = coincurve.PrivateKey(decode_hex(key))

    @property
    def address(self) -> str:
        """The key's address, checksummed."""
        return self._address

    def sign(self, call: Call) -> tuple[str, bytes]:
        """Hash (0x-hex) and bytes of the signed transaction."""
        fields = [
            *(call.chain_id, call.nonce, call.max_tip, call.max_fee, call.gas_limit),
            *(to_canonical_address(call.to), 0, decode_hex(call.data), []),
        ]
        signature = self._key.sign_recoverable(keccak(_TYPE + rlp.encode(fields)), hasher=None)
        r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
        raw = _TYPE + rlp.encode([*fields, parity, r, s])
        return f"0x{keccak(raw).hex()}", raw
