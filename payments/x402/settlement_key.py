"""Our settlement key, which signs transactions."""

import time
from dataclasses import replace

from payments.evm.account_key import AccountKey, Call
from payments.outbox import Sent
from payments.x402.fees import GAS_LIMIT, Fees


class SettlementKey:
    """Signs transactions for one chain.

    Args:
        key: 32 bytes in hex.

    Raises:
        ValueError: it is not a private key.
    """

    def __init__(self, key: str, *, chain_id: int) -> None:
        self._key = AccountKey(key)
        self._chain_id = chain_id

    @property
    def address(self) -> str:
        """The key's address, checksummed."""
        return self._key.address

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
        return self._key.sign(Call(self._chain_id, nonce, to, data, fees.max_fee, fees.max_tip, GAS_LIMIT))
