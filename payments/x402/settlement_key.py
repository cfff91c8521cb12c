"""Our settlement key, in memory or at a remote signer, which signs transactions."""

import time
from dataclasses import replace

from payments.evm.account_key import AccountKey
from payments.evm.remote_signer import RemoteSigner
from payments.evm.transaction_signer import Call, TransactionSigner
from payments.outbox import Sent
from payments.x402.config import X402Config
from payments.x402.fees import GAS_LIMIT, Fees
from settings_types import required, reveal


class SettlementKey:
    """Signs transactions for one chain.

    Its methods that sign raise as `TransactionSigner.sign`.
    """

    def __init__(self, signer: TransactionSigner, *, chain_id: int) -> None:
        self._signer = signer
        self._chain_id = chain_id

    @property
    def address(self) -> str:
        """The key's address, checksummed."""
        return self._signer.address

    async def check(self) -> None:
        """As `TransactionSigner.check`."""
        await self._signer.check()

    async def aclose(self) -> None:
        """Close the signer's connections."""
        await self._signer.aclose()

    async def sign(self, to: str, data: str, *, nonce: int, fees: Fees, reference: str) -> Sent:
        """A call as a new transaction."""
        hash_, raw = await self._signed(to, data, nonce, fees)
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

    async def replacement(self, old: Sent, fees: Fees) -> Sent:
        """The same call with the same nonce at other fees: the chain includes only one of the two."""
        hash_, raw = await self._signed(old.to, "0x" if old.is_cancellation else old.data, old.nonce, fees)
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

    async def _signed(self, to: str, data: str, nonce: int, fees: Fees) -> tuple[str, bytes]:
        return await self._signer.sign(Call(self._chain_id, nonce, to, data, fees.max_fee, fees.max_tip, GAS_LIMIT))


def settlement_key(config: X402Config) -> SettlementKey:
    """The key of the settings, in memory or at a remote signer. Raises ValueError if there is none."""
    return SettlementKey(_signer(config), chain_id=config.chain_id)


def _signer(config: X402Config) -> TransactionSigner:
    if config.signer_url is None:
        return AccountKey(required(config.settlement_key, "x402.settlement_key").get_secret_value())
    return RemoteSigner(
        config.signer_url.get_secret_value(),
        required(config.signer_address, "x402.signer_address"),
        chain_id=config.chain_id,
        token=reveal(config.signer_token),
        timeout_s=config.signer_timeout_s,
    )
