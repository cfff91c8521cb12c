"""Sends transactions of our settlement key: recorded first, one at a time over all processes, without nonce gaps."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from web3.exceptions import TransactionNotFound

from errors import RailUnavailable
from payments.outbox import Outbox, Sent
from payments.x402.fees import GAS_LIMIT, Fees, suggested
from payments.x402.rpc import NodeRefusal, NonceTooLow, Rpc
from payments.x402.settlement_key import SettlementKey
from payments.x402.tender import Tender, View, counts, transaction_count
from payments.x402.whole import unbroken

LockFactory = Callable[[], AbstractAsyncContextManager[object]]
"""Makes a lock that one holder has at a time over all processes that settle on the same chain."""

SURE_BLOCKS = 2
"""How deep in the chain a transaction's end is believed: the tip of a chain may still change."""

SLOW_S = 0.5
"""How long a node may take to accept a transaction before it is sent once more."""

_TOO_DEAR = "The chain's fee is above what a settlement may cost."


class Broadcaster:
    """The one way in which our settlement key spends gas.

    Args:
        outbox: remembers every transaction from before it is sent.
        lock: held from choosing a nonce until it is written down. Nothing is asked of the chain meanwhile, so a slow
            answer holds up nobody else.
        bump_after_s: how long a transaction may stay out of the blocks before its fees are raised.
        max_fee_wei: wei per gas at most.
    """

    def __init__(
        self,
        rpc: Rpc,
        key: SettlementKey,
        outbox: Outbox,
        *,
        chain_id: int,
        lock: LockFactory,
        bump_after_s: float,
        max_fee_wei: int,
    ) -> None:
        self._rpc = rpc
        self._key = key
        self._outbox = outbox
        self._lock = lock
        self._cap = max_fee_wei
        self._chain_id = chain_id
        self._tender = Tender(rpc, outbox, key, chain_id=chain_id, bump_after_s=bump_after_s, cap=max_fee_wei)

    @property
    def address(self) -> str:
        """The settlement key's address, checksummed."""
        return self._key.address

    async def send(self, to: str, data: HexStr, *, reference: str, not_after: float) -> str:
        """Sign, record and send a call for a payment; gives its transaction hash, 0x-hex.

        The hash is given back also when it is not known whether the node took the transaction: its record is there, so
        it is sent again until it is in a block.

        Raises:
            RailUnavailable: the chain does not answer, or it is later than `not_after`; nothing was sent.
            NodeRefusal: the node does not take the transaction; it is nowhere, and its nonce is free again.
            LedgerUnavailable: lock or outbox do not answer; nothing was sent, but its record may be there.
        """
        fees = await suggested(self._rpc, cap=self._cap)
        if fees is None:
            raise RailUnavailable(_TOO_DEAR)
        try:
            return await self._send_once(to, data, fees, reference, not_after)
        except NonceTooLow:  # the key was used elsewhere, or the node that counted was late
            return await self._send_once(to, data, fees, reference, not_after)

    async def hashes(self, reference: str) -> set[str]:
        """The transactions of a payment as they were sent last."""
        return {sent.hash for sent in await self._outbox.of(reference)}

    async def done_by(self, reference: str) -> int | None:
        """The number of a block by which no transaction of ours for a payment is under way any more: each is in a
        block, or another one has its nonce. 0 when there is none; None while there is one, which is tended from now on.

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not answer.
        """
        recorded = await self._outbox.of(reference)
        if not recorded:
            return 0
        self._tender.keep()
        latest = await self._rpc.ask(lambda eth: eth.block_number)
        sure = max(0, latest - SURE_BLOCKS)
        for sent in recorded:
            if sent.nonce >= await transaction_count(self._rpc, sent.sender, sure):
                return None
        return latest

    async def affordable(self) -> int | None:
        """How many settlements the key can pay at the present fee and the whole gas limit; None when the fee is above
        what one may cost.

        Raises:
            RailUnavailable: the chain does not answer.
        """
        fees = await suggested(self._rpc, cap=self._cap)
        balance = await self._rpc.ask(lambda eth: eth.get_balance(to_checksum_address(self.address)))
        return None if fees is None else balance // (fees.max_fee * GAS_LIMIT)

    async def aclose(self) -> None:
        """Stop tending; what is recorded is tended by whoever looks next."""
        await self._tender.aclose()

    async def _send_once(self, to: str, data: HexStr, fees: Fees, reference: str, not_after: float) -> str:
        # An answer from before the lock does no harm: whatever was sent since is recorded.
        mined, known = await counts(self._rpc, self.address)
        async with self._lock():
            recorded = await self._outbox.since(self._chain_id, self.address, min(mined, known))
            nonce = View(mined, known, recorded).free
            sent = self._key.sign(to, data, nonce=nonce, fees=fees, reference=reference)
            # Not torn by a cancellation: whoever is told that this failed has to know what the outbox says.
            await unbroken(self._record(sent, not_after))
        await unbroken(self._post(sent))
        return sent.hash

    async def _record(self, sent: Sent, not_after: float) -> None:
        if not await self._outbox.record(sent, not_after=not_after):
            raise RailUnavailable("It is too late to settle this payment now, or the lock was lost.")
        self._tender.keep()

    async def _post(self, sent: Sent) -> None:
        try:
            await self._send(sent)
        except RailUnavailable:
            return  # perhaps it has arrived
        except NodeRefusal as refusal:
            gap = not isinstance(refusal, NonceTooLow)
            if await self._is_nowhere(sent) and await self._withdraw(sent, leaves_a_gap=gap):
                raise

    async def _send(self, sent: Sent) -> None:
        """Send, and once more when that takes long: in the node, all later nonces wait for this one."""
        first = asyncio.create_task(self._rpc.send(sent.raw))
        await asyncio.wait({first}, timeout=SLOW_S)
        if not first.done():
            with suppress(RailUnavailable, NodeRefusal):
                await self._rpc.send(sent.raw)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)  # however it ended, nobody need hear of it
                return
        await first

    async def _withdraw(self, sent: Sent, *, leaves_a_gap: bool) -> bool:
        """Give a refused transaction's nonce back, unless later ones build on it: then it is sent until it is taken."""
        async with self._lock():
            if leaves_a_gap and len(await self._outbox.since(self._chain_id, self.address, sent.nonce)) > 1:
                return False
            return await self._outbox.withdraw(sent)

    async def _is_nowhere(self, sent: Sent) -> bool:
        """A service before several nodes may have passed it on twice, and tell the second node's answer only."""
        try:
            await self._rpc.ask(lambda eth: eth.get_transaction(HexStr(sent.hash)))
        except TransactionNotFound:
            return True
        except RailUnavailable:
            pass
        return False
