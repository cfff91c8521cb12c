"""Sends transactions of our settlement key: each is recorded first, nonces have no gaps, one process at a time."""

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
"""Depth at which a transaction counts as final here: the latest blocks can still change."""

SLOW_S = 0.5
"""Time after which a transaction that a node has not accepted is sent once more."""

FRESH_S = 1.0
"""Maximum age of the chain's fees when a transaction is signed."""

LATELY_S = 4.0
"""Maximum age of the fees when a payment is verified: the health check reads them every three seconds."""

_TOO_EXPENSIVE = (
    "Settling a payment would cost too much at the chain's current fee. Nothing was charged; try again later."
)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The current cost of settling.

    Attributes:
        affordable: number of settlements that the key can pay, each at the current fees and the whole gas limit.
        cost_share, max_share: cost of settling a payment of the highest price, and its maximum, as shares of it.
        worth_it: whether this cost is within the budget.
    """

    affordable: int
    cost_share: Decimal
    max_share: Decimal
    worth_it: bool


class Broadcaster:
    """Sends with our settlement key; no other code spends its gas.

    Args:
        outbox: records every transaction before it is sent.
        key: closed by `aclose`.
        lock: shared by all processes that settle on the same chain. It is held from choosing a nonce until it is
            recorded, without a call to the chain, so that a slow node blocks no process. A remote signer is called
            meanwhile, within its time limit.
        bump_after_s: time after which the fees of a transaction that is in no block are raised.
        budget: limits of the cost of a settlement.
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
        """Sign, record and send a call for a payment, after the work: the fee may be as high as the payment. Returns
        its transaction hash, 0x-hex.

        Also returns the hash if it is not known whether the node accepted the transaction: it is recorded, so it is
        sent again until it is in a block.

        Raises:
            RailUnavailable: the chain or the signer does not respond, or the chain is too expensive, or the hold has
                expired or was lost; nothing was sent.
            NodeRefusal: the node refuses the transaction, or reports that it would be reverted or needs more gas than
                `GAS_LIMIT`; no node has it, and its nonce is free again.
            LedgerUnavailable: lock or outbox do not respond; nothing was sent, but it may be recorded.
        """
        try:
            return await self._send_once(to, data, reference, hold)
        except NonceTooLow:  # the key was used elsewhere, or the node that counted lags behind
            return await self._send_once(to, data, reference, hold)

    async def hashes(self, reference: str) -> set[str]:
        """The latest transaction hashes of a payment, without cancellations."""
        return {sent.hash for sent in await self._outbox.of(reference) if not sent.is_cancellation}

    async def new_block(self) -> None:
        """Return when the chain may have a new block, within a second."""
        await self._blocks.next()

    async def sent(self, reference: str, transaction: str) -> bool:
        """Whether a transaction on the chain is recorded for a payment.

        Only the hash of the latest version is recorded, but an earlier version may have been mined. So the calls are
        compared; each recorded call is unique (see `signer.py`).

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not respond.
        """
        recorded = await self._outbox.of(reference)
        if not recorded or any(sent.hash == transaction for sent in recorded):
            return bool(recorded)
        call = await self._rpc.ask(transaction_input(transaction))
        if call is None:
            raise RailUnavailable("The chain does not show the transaction yet.")
        return call in {sent.data for sent in recorded}

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        """Whether a recorded transaction for a payment is in flight, according to this node. It is final once it or
        another transaction with its nonce is in a block. Transactions in flight are maintained from now on.

        Raises:
            RailUnavailable, LedgerUnavailable: chain or outbox do not respond.
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
        """Check that the settlement of a payment of `units` base units, which needs `gas`, is within the budget.

        Raises:
            RailUnavailable: it would cost too much, or the chain does not respond.
        """
        if not self._budget.allows_work(units, await self._prices.now(max_age_s=LATELY_S), gas=gas):
            raise RailUnavailable(_TOO_EXPENSIVE, retry_after=30)

    async def check_signer(self) -> None:
        """Check that the key would sign now. Raises RailUnavailable with one public sentence."""
        await self._key.check()

    async def outlook(self) -> Outlook:
        """The current cost of settling, and how often the key can pay it. Raises RailUnavailable."""
        market = await self._prices.now()
        wei = await self._rpc.ask(balance(self.address))
        return Outlook(
            affordable=wei // (2 * market.base_fee + market.tip) // GAS_LIMIT,
            cost_share=self._budget.cost_share(market),
            worth_it=self._budget.allows_work(self._budget.highest_units, market),
            max_share=self._budget.max_share,
        )

    async def aclose(self) -> None:
        """Stop maintaining; other processes maintain the recorded transactions. Close the key."""
        await self._monitor.aclose()
        await self._key.aclose()

    async def _fees(self, to: str, data: str) -> Fees:
        market, gas = await asyncio.gather(
            self._prices.now(max_age_s=FRESH_S), gas_of(self._rpc, self.address, to, data)
        )
        if gas is None or gas > GAS_LIMIT:
            raise NodeRefusal("the transaction would be reverted")
        fees = market.offer(cap=self._cap(data, market, gas))
        if fees is None:
            raise RailUnavailable(_TOO_EXPENSIVE)
        return fees

    def _cap(self, data: str, market: Market, gas: int) -> int:
        transfer = TransferCall.of(data)
        units = None if transfer is None else transfer.value
        return self._budget.cap(units, market, gas=gas, call_bytes=len(data) // 2)

    async def _send_once(self, to: str, data: str, reference: str, hold: Hold) -> str:
        # The counts may be read before the lock: transactions sent since then are recorded. A signer that does not
        # respond should be found before it, too.
        fees, (mined, known), _ = await asyncio.gather(
            self._fees(to, data), counts(self._rpc, self.address), self._key.check()
        )
        async with AsyncExitStack() as locked:
            await locked.enter_async_context(self._lock)
            recorded = await self._outbox.since(self._chain_id, self.address, min(mined, known))
            nonce = NonceState(mined, known, recorded).free
            # Until this is recorded, nothing has happened: a signature that is late or unused is thrown away.
            sent = await self._key.sign(to, data, nonce=nonce, fees=fees, reference=reference)
            # Protected from cancellation: a recorded transaction must be sent, and after a failure withdrawn.
            await run_to_completion(self._record_and_post(sent, hold, locked))
        return sent.hash

    async def _record_and_post(self, sent: Sent, hold: Hold, locked: AsyncExitStack) -> None:
        """Record under the lock, and release the lock before waiting for the node."""
        if not await self._outbox.record(sent, hold):
            raise RailUnavailable("Another process holds this payment now, or the lock was lost.")
        self._monitor.start()
        await locked.aclose()
        await self._post(sent)

    async def _post(self, sent: Sent) -> None:
        try:
            await self._send(sent)
        except RailUnavailable:
            return  # the node may have received it
        except NodeRefusal as refusal:
            gap = not isinstance(refusal, NonceTooLow)
            if await self._is_nowhere(sent) and await self._withdraw(sent, leaves_a_gap=gap):
                raise

    async def _send(self, sent: Sent) -> None:
        """Send, and send once more if that is slow: in the node, all later nonces wait for this one."""
        first = asyncio.create_task(sending.send(self._rpc, sent.raw))
        await asyncio.wait({first}, timeout=SLOW_S)
        if not first.done():
            with suppress(RailUnavailable, NodeRefusal):
                await sending.send(self._rpc, sent.raw)
                first.cancel()
                await asyncio.gather(first, return_exceptions=True)  # its result is no longer needed
                return
        await first

    async def _withdraw(self, sent: Sent, *, leaves_a_gap: bool) -> bool:
        """Delete a refused transaction, which frees its nonce. Returns False if later nonces are recorded: then it is
        sent again until a node accepts it."""
        async with self._lock:
            if leaves_a_gap and len(await self._outbox.since(self._chain_id, self.address, sent.nonce)) > 1:
                return False
            return await self._outbox.withdraw(sent)

    async def _is_nowhere(self, sent: Sent) -> bool:
        """Whether the chain does not know a refused transaction. A load balancer may have sent it to two nodes and
        returned only the second node's refusal."""
        try:
            return await self._rpc.ask(transaction_input(sent.hash)) is None
        except RailUnavailable:
            return False
