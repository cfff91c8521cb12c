"""Sends transactions of our settlement key: recorded first, one at a time over all processes, without nonce gaps."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from decimal import Decimal

from concurrency import run_to_completion
from errors import RailUnavailable
from payments.evm import sending
from payments.evm.question import JsonRpc
from payments.evm.questions import balance, block_number, transaction_count, transaction_input
from payments.evm.rpc import RpcClient
from payments.evm.sending import NodeRefusal, NonceTooLow
from payments.outbox import Outbox, Sent
from payments.rail import Hold
from payments.x402.blocks import NewBlocks
from payments.x402.budget import Budget
from payments.x402.facilitator import FinalAt, InFlight
from payments.x402.fees import GAS_LIMIT, Fees, Market, Prices, gas_of
from payments.x402.monitor import NonceState, TransactionMonitor, counts
from payments.x402.settlement_key import SettlementKey
from payments.x402.transfer_call import TransferCall

SURE_BLOCKS = 2
"""A transaction is final when it is this deep in the chain: the latest blocks may still change."""

SLOW_S = 0.5
"""How long a node may take to accept a transaction before it is sent once more."""

FRESH_S = 1.0
"""How old the chain's prices may be when a transaction is signed at them."""

LATELY_S = 4.0
"""The same when a payment is verified: the health check runs every three seconds, so this needs no request."""

_TOO_DEAR = "Settling a payment would cost too much at the chain's present fee. Nothing was charged; try again later."


@dataclass(frozen=True, slots=True)
class Outlook:
    """What settling costs at present.

    Attributes:
        affordable: settlements that the key can pay, each at the present offer and the whole gas limit.
        cost_share, max_share: what settling the dearest picture costs and may cost, as a share of its price.
        worth_it: whether that settlement is within the budget.
    """

    affordable: int
    cost_share: Decimal
    max_share: Decimal
    worth_it: bool


class Broadcaster:
    """Only this spends the gas of our settlement key.

    Args:
        outbox: remembers every transaction from before it is sent.
        lock: one holder has it at a time, over all processes that settle on the same chain. It is held from choosing a
            nonce until it is written down. Nothing is asked of the chain meanwhile, so a slow node blocks nothing.
        bump_after_s: how long a transaction may stay out of the blocks before its fees are raised.
        budget: what a settlement may cost.
    """

    def __init__(
        self,
        rpc: RpcClient,
        key: SettlementKey,
        outbox: Outbox,
        *,
        chain_id: int,
        lock: AbstractAsyncContextManager[object],
        bump_after_s: float,
        budget: Budget,
    ) -> None:
        self._rpc = rpc
        self._key = key
        self._outbox = outbox
        self._lock = lock
        self._budget = budget
        self._prices = Prices(rpc)
        self._blocks = NewBlocks(rpc)
        self._chain_id = chain_id
        self._monitor = TransactionMonitor(
            rpc, outbox, key, chain_id=chain_id, bump_after_s=bump_after_s, budget=budget, prices=self._prices
        )

    @property
    def address(self) -> str:
        """The settlement key's address, checksummed."""
        return self._key.address

    async def send(self, to: str, data: str, *, reference: str, hold: Hold) -> str:
        """Sign, record and send a call for a payment; gives its transaction hash, 0x-hex. The work is done by now: the
        fee may be as high as what the payment brings.

        The hash is given back also when it is not known whether the node took the transaction: its record is there, so
        it is sent again until it is in a block.

        Raises:
            RailUnavailable: the chain does not answer, is too dear, or the hold is over or lost; nothing was sent.
            NodeRefusal: the node does not take the transaction, or says that the chain would revert it or wants more
                gas for it than `GAS_LIMIT`; it is nowhere, and its nonce is free again.
            LedgerUnavailable: lock or outbox do not answer; nothing was sent, but its record may be there.
        """
        try:
            return await self._send_once(to, data, reference, hold)
        except NonceTooLow:  # the key was used elsewhere, or the node that counted was late
            return await self._send_once(to, data, reference, hold)

    async def hashes(self, reference: str) -> set[str]:
        """The transactions of a payment as they were sent last, without those that only take an expired one's nonce."""
        return {sent.hash for sent in await self._outbox.of(reference) if not sent.is_cancellation}

    async def new_block(self) -> None:
        """Return when the chain may have a new block, within a second."""
        await self._blocks.next()

    async def sent(self, reference: str, transaction: str) -> bool:
        """Whether a transaction that is on the chain is one that we recorded for a payment.

        The latest form's hash is recorded, and an earlier form may have been mined, so the calls are compared: each
        recorded call is unlike any other (see `signer.py`).

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not answer.
        """
        recorded = await self._outbox.of(reference)
        if not recorded or any(sent.hash == transaction for sent in recorded):
            return bool(recorded)
        call = await self._rpc.ask(transaction_input(transaction))
        if call is None:
            raise RailUnavailable("The chain does not show the transaction yet.")
        return call in {sent.data for sent in recorded}

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        """Whether a transaction of ours for a payment is still in flight, by what this node says: final is one that is
        in a block, or whose nonce another one has. What is in flight is maintained from now on.

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not answer.
        """
        recorded = await self._outbox.of(reference)
        if not recorded:
            return FinalAt(0)
        self._monitor.start()
        latest = await node.ask(block_number())
        sure = max(0, latest - SURE_BLOCKS)
        for sent in recorded:
            if sent.nonce >= await node.ask(transaction_count(sent.sender, sure)):
                return InFlight()
        return FinalAt(latest)

    async def check_cost(self, units: int, *, gas: int) -> None:
        """Return when the work for a payment of so many base units may begin; `gas` is what its settlement takes.

        Raises:
            RailUnavailable: settling would cost too much of it, or the chain does not answer.
        """
        if not self._budget.takes_on(units, await self._prices.now(max_age_s=LATELY_S), gas=gas):
            raise RailUnavailable(_TOO_DEAR, retry_after=30)

    async def outlook(self) -> Outlook:
        """What settling costs now, and how often the key can pay it. Raises RailUnavailable."""
        market = await self._prices.now()
        wei = await self._rpc.ask(balance(self.address))
        return Outlook(
            affordable=wei // (2 * market.base_fee + market.tip) // GAS_LIMIT,
            cost_share=self._budget.cost_share(market),
            worth_it=self._budget.takes_on(self._budget.highest_units, market),
            max_share=self._budget.max_share,
        )

    async def aclose(self) -> None:
        """Stop maintaining; another process maintains what is recorded."""
        await self._monitor.aclose()

    async def _fees(self, to: str, data: str) -> Fees:
        market, gas = await asyncio.gather(
            self._prices.now(max_age_s=FRESH_S), gas_of(self._rpc, self.address, to, data)
        )
        if gas is None or gas > GAS_LIMIT:
            raise NodeRefusal("the transaction would be reverted")
        fees = market.offer(cap=self._cap(data, market, gas))
        if fees is None:
            raise RailUnavailable(_TOO_DEAR)
        return fees

    def _cap(self, data: str, market: Market, gas: int) -> int:
        transfer = TransferCall.of(data)
        units = None if transfer is None else transfer.value
        return self._budget.cap(units, market, gas=gas, call_bytes=len(data) // 2)

    async def _send_once(self, to: str, data: str, reference: str, hold: Hold) -> str:
        # Answers from before the lock are good enough: whatever was sent since is recorded.
        fees, (mined, known) = await asyncio.gather(self._fees(to, data), counts(self._rpc, self.address))
        async with AsyncExitStack() as locked:
            await locked.enter_async_context(self._lock)
            recorded = await self._outbox.since(self._chain_id, self.address, min(mined, known))
            nonce = NonceState(mined, known, recorded).free
            sent = self._key.sign(to, data, nonce=nonce, fees=fees, reference=reference)
            # Not interrupted by a cancellation: what is recorded is sent, and after a failure the outbox must be right.
            await run_to_completion(self._record_and_post(sent, hold, locked))
        return sent.hash

    async def _record_and_post(self, sent: Sent, hold: Hold, locked: AsyncExitStack) -> None:
        """Record under the lock, and release the lock before waiting for the node."""
        if not await self._outbox.record(sent, hold):
            raise RailUnavailable("This payment is not ours to settle any more, or the lock was lost.")
        self._monitor.start()
        await locked.aclose()
        await self._post(sent)

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
        """Send, and send once more when that takes long: in the node, all later nonces wait for this one."""
        first = asyncio.create_task(sending.send(self._rpc, sent.raw))
        await asyncio.wait({first}, timeout=SLOW_S)
        if not first.done():
            with suppress(RailUnavailable, NodeRefusal):
                await sending.send(self._rpc, sent.raw)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)  # its result does not matter any more
                return
        await first

    async def _withdraw(self, sent: Sent, *, leaves_a_gap: bool) -> bool:
        """Release the nonce of a refused transaction, unless later nonces are recorded: then it is sent until a node
        accepts it."""
        async with self._lock:
            if leaves_a_gap and len(await self._outbox.since(self._chain_id, self.address, sent.nonce)) > 1:
                return False
            return await self._outbox.withdraw(sent)

    async def _is_nowhere(self, sent: Sent) -> bool:
        """A service before several nodes may have passed it on twice, and tell the second node's answer only."""
        try:
            return await self._rpc.ask(transaction_input(sent.hash)) is None
        except RailUnavailable:
            return False
