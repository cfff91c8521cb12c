"""Our settlement key, which signs transactions (EIP-1559).

0x02 ‖ rlp([chain id, nonce, tip, max fee, gas limit, to, value, data, access list, y parity, r, s]), signed over the
Keccak hash of the same without the last three fields. eth-account needs several times the CPU time for the same bytes,
because it checks and converts each field more than once.
"""

import time
from dataclasses import replace

import coincurve
import rlp  # type: ignore[import-untyped]  # ships no types
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak
from eth_utils.hexadecimal import decode_hex
from pydantic import SecretStr

from payments.outbox import Sent
from payments.x402.fees import GAS_LIMIT, Fees
from settings_types import account_of

_TYPE = b"\x02"


class SettlementKey:
    """Signs transactions for one chain.

    Args:
        key: 32 bytes in hex.

    Raises:
        ValueError: it is not a private key.
    """

    def __init__(self, key: str, *, chain_id: int) -> None:
        self._address = account_of(SecretStr(key))
        self._key = coincurve.PrivateKey(decode_hex(key))
        self._chain_id = chain_id

    @property
    def address(self) -> str:
        """The key's address, checksummed."""
        return self._address

    def sign(self, to: str, data: str, *, nonce: int, fees: Fees, reference: str) -> Sent:
        """A call as a new transaction."""
        hash_, raw = self._signed(to, data, nonce, fees)
        return Sent(
            chain_id=self._chain_id,
            sender=self.address,
            nonce=nonce,
            reference=reference,
            hash=hash_,
            raw=raw,
            to=to,
            data=data,
            max_fee=fees.max_fee,
            max_tip=fees.max_tip,
            attempt=1,
            sent_at=time.time(),
        )

    def replacement(self, old: Sent, fees: Fees) -> Sent:
        """The same call with the same nonce at other fees: the chain includes only one of the two."""
        hash_, raw = self._signed(old.to, "0x" if old.is_cancellation else old.data, old.nonce, fees)
        return replace(
            old,
            hash=hash_,
            raw=raw,
            max_fee=fees.max_fee,
            max_tip=fees.max_tip,
            attempt=old.attempt + 1,
            sent_at=time.time(),
        )

    def cancellation(self, old: Sent) -> Sent:
        """An empty call to our own address, to replace a call that would be reverted (see `replacement`). It uses up
        the nonce, so that later nonces can be mined, and needs less gas.

        A call that has just been mined would be reverted too, so the record keeps the data of the call, which
        identifies it as ours.
        """
        return replace(old, to=self.address)

    def _signed(self, to: str, data: str, nonce: int, fees: Fees) -> tuple[str, bytes]:
        call: list[object] = [to_canonical_address(to), 0, decode_hex(data), []]
        fields = [self._chain_id, nonce, fees.max_tip, fees.max_fee, GAS_LIMIT, *call]
        signature = self._key.sign_recoverable(keccak(_TYPE + rlp.encode(fields)), hasher=None)
        r, s, parity = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]
        raw = _TYPE + rlp.encode([*fields, parity, r, s])
        return f"0x{keccak(raw).hex()}", raw
