"""Maintains the recorded transactions: sends lost ones again, replaces stuck ones, and deletes final ones."""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace

from concurrency import cancel_and_wait
from errors import LedgerUnavailable, RailUnavailable
from payments.evm.question import JsonRpc
from payments.evm.questions import block, block_number, transaction_count
from payments.evm.rpc import RpcClient
from payments.evm.sending import NodeRefusal, NonceTooLow, send
from payments.outbox import Outbox, Sent
from payments.x402.budget import Budget
from payments.x402.fees import PLAIN_GAS, Fees, Prices, gas_of
from payments.x402.settlement_key import SettlementKey
from payments.x402.transfer_call import TransferCall

KEPT_BLOCKS = 30
"""Depth at which a record is deleted: until then a block can be dropped, and a node can lag behind."""

LOST_AFTER_S = 2.0  # after this a transaction that the node does not know is sent again; the interval doubles each time
_MOST_DOUBLINGS = 8  # about eight minutes
ROUND_S = 2.0
_IDLE_S = 20.0
_AT_ONCE = 5  # transactions sent again in one round

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NonceState:
    """A sender's transactions on the chain and in the outbox.

    Attributes:
        mined, known: number of transactions in blocks, and including the pending ones without a nonce gap.
        recorded: records from the lower of the two nonces on.
    """

    mined: int
    known: int
    recorded: list[Sent]

    @property
    def unmined(self) -> list[Sent]:
        """The recorded transactions that are not in a block."""
        return [sent for sent in self.recorded if sent.nonce >= self.mined]

    def worth(self, nonce: int, now: int) -> int:
        """The largest payment in base units that waits for this nonce: its own, or one of a later nonce. A payment that
        has expired by `now` (unix seconds by the chain) counts as 0.
        """
        behind = [each for each in self.unmined if each.nonce >= nonce and not each.is_cancellation]
        waiting = [TransferCall.of(each.data) for each in behind]
        return max((each.value for each in waiting if each and each.valid_before > now), default=0)

    @property
    def free(self) -> int:
        """The lowest unused nonce. A node that lags behind knows fewer transactions than are recorded."""
        taken = {sent.nonce for sent in self.recorded}
        nonce = max(self.mined, self.known)
        while nonce in taken:
            nonce += 1
        return nonce


class TransactionMonitor:
    """Maintains the transactions of our settlement key and of earlier keys.

    Args:
        bump_after_s: time after which the fees of a transaction that is in no block are raised.
        budget: limits of the cost of a settlement.
        prices: the chain's fees.
    """

    def __init__(
        self,
        rpc: RpcClient,
        outbox: Outbox,
        key: SettlementKey,
        *,
        chain_id: int,
        bump_after_s: float,
        budget: Budget,
        prices: Prices,
    ) -> None:
        self._rpc = rpc
        self._outbox = outbox
        self._key = key
        self._chain_id = chain_id
        self._bump_after_s = bump_after_s
        self._budget = budget
        self._prices = prices
        self._reported: set[str] = set()
        self._has_records = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Maintain in the background from now on, until no record is left."""
        self._has_records.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop; the records stay."""
        if self._task is not None:
            await cancel_and_wait(self._task)

    async def maintain(self, sender: str) -> NonceState:
        """Resend and replace a sender's transactions where necessary. Returns their state before that.

        Needs no lock: if several processes maintain one transaction at the same time, one of them changes its record.

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not respond.
        """
        nonces = await read_nonce_state(self._rpc, self._outbox, self._chain_id, sender)
        self._reported &= {sent.hash for sent in nonces.unmined}
        for sent in self._due(nonces)[:_AT_ONCE]:
            await self._replace_or_resend(sent, nonces)
        return nonces

    def _due(self, nonces: NonceState) -> list[Sent]:
        return [
            sent for sent in nonces.unmined if self._is_stuck(sent) or (sent.nonce >= nonces.known and _is_lost(sent))
        ]

    def _is_stuck(self, sent: Sent) -> bool:
        return sent.sender == self._key.address and time.time() - sent.sent_at > self._bump_after_s

    async def _replace_or_resend(self, sent: Sent, nonces: NonceState) -> None:
        """Best effort: the record stays, and the next round tries again."""
        with suppress(RailUnavailable, LedgerUnavailable):
            better = await self._replacement(sent, nonces) if self._is_stuck(sent) else None
            if better is None and sent.nonce >= nonces.known and _is_lost(sent):
                better = replace(sent, attempt=sent.attempt + 1)
            # Recorded first: a process that is about to withdraw it sees that it is sent again.
            if better is not None and await self._outbox.renew(sent, better):
                await self._send(better)

    async def _send(self, sent: Sent) -> None:
        try:
            await send(self._rpc, sent.raw)
        except NonceTooLow:
            return  # it has been mined meanwhile
        except NodeRefusal:
            logger.warning("a recorded transaction was refused: nonce %d of %s", sent.nonce, sent.sender)

    async def _replacement(self, sent: Sent, nonces: NonceState) -> Sent | None:
        """The replacement of a stuck transaction; None if it costs too much, or would not help."""
        now = (await self._rpc.ask(block("latest"))).timestamp
        if now <= sent.sent_at:
            return None  # no block since then: the chain has stopped
        gas = None if _has_expired(sent, now) else await gas_of(self._rpc, sent.sender, sent.to, sent.data)
        if gas is None:
            return await self._replaced(
                sent, self._key.cancellation(sent), nonces.worth(sent.nonce + 1, now), PLAIN_GAS
            )
        units = None if TransferCall.of(sent.data) is None else nonces.worth(sent.nonce, now)
        return await self._replaced(sent, sent, units, gas)

    async def _replaced(self, sent: Sent, call: Sent, units: int | None, gas: int) -> Sent | None:
        """The call as a replacement of `sent`, at higher fees; None if these exceed what `units` allow, or if there is
        no signature."""
        market = await self._prices.now()
        call_bytes = 0 if call.is_cancellation else len(call.data) // 2
        cap = self._budget.cap(units, market, gas=gas, call_bytes=call_bytes)
        offer = market.offer(cap=cap)
        fees = offer.over(Fees(sent.max_fee, sent.max_tip), cap=cap) if offer else None
        if fees is None:
            self._report_once(sent)
            return None
        with suppress(RailUnavailable):  # no signature: it is sent again as it is
            return await self._key.replacement(call, fees)
        return None

    def _report_once(self, sent: Sent) -> None:
        if sent.hash not in self._reported:
            self._reported.add(sent.hash)
            logger.warning("nonce %d of %s is stuck, and higher fees exceed the budget", sent.nonce, sent.sender)

    async def _run(self) -> None:
        left = True
        while left or self._has_records.is_set():
            self._has_records.clear()
            left, unmined = await self._round()
            await asyncio.sleep(ROUND_S)
            if left and not unmined:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_IDLE_S):
                        await self._has_records.wait()

    async def _round(self) -> tuple[bool, bool]:
        """Maintain all senders' transactions once. Returns whether any record is left, and any that is in no block."""
        unmined = False
        try:
            senders = await self._outbox.senders(self._chain_id)
            for sender in senders:
                unmined |= bool((await self.maintain(sender)).unmined)
                await self._forget(sender)
        except (RailUnavailable, LedgerUnavailable):
            return True, True
        return bool(senders), unmined

    async def _forget(self, sender: str) -> None:
        deep = await self._rpc.ask(block_number()) - KEPT_BLOCKS
        if deep > 0:
            mined = await self._rpc.ask(transaction_count(sender, deep))
            await self._outbox.forget(self._chain_id, sender, below=mined)


def _has_expired(sent: Sent, now: int) -> bool:
    """Whether its payment has expired, or it is a cancellation."""
    transfer = TransferCall.of(sent.data)
    return sent.is_cancellation or (transfer is not None and transfer.valid_before <= now)


def _is_lost(sent: Sent) -> bool:
    """Whether it must be sent again to a node that does not know it."""
    doublings = min(sent.attempt, _MOST_DOUBLINGS)
    return time.time() - sent.sent_at > LOST_AFTER_S * ((1 << doublings) - 1)


async def read_nonce_state(rpc: JsonRpc, outbox: Outbox, chain_id: int, sender: str) -> NonceState:
    """The current state of chain and outbox. Raises RailUnavailable, LedgerUnavailable."""
    mined, known = await counts(rpc, sender)
    return NonceState(mined, known, await outbox.since(chain_id, sender, min(mined, known)))


async def counts(rpc: JsonRpc, sender: str) -> tuple[int, int]:
    """The number of a sender's transactions in blocks, and known to the node. Raises RailUnavailable."""
    mined, known = await asyncio.gather(
        rpc.ask(transaction_count(sender, "latest")), rpc.ask(transaction_count(sender, "pending"))
    )
    return mined, known
