"""Makes refunds on a chain: one ERC-20 transfer each, recorded before it is sent."""

from dataclasses import dataclass
from itertools import count

from payments.evm import sending
from payments.evm.abi import TRANSFER, address_topic, call_data, selector, word, words
from payments.evm.account_key import AccountKey
from payments.evm.node import Node
from payments.evm.question import CallFailed
from payments.evm.questions import (
    Log,
    TransactionReceipt,
    balance,
    block,
    block_number,
    call,
    gas_estimate,
    receipt,
    transaction,
    transaction_count,
)
from payments.evm.rpc import RpcClient
from payments.evm.sending import NodeRefusal
from payments.evm.transaction_signer import Call
from payments.refunds import Refund, RefundRefused, Refunds, Standing

_TIP_WEI = 1_000_000
_ATTEMPTS = 5
"""Nonces to try while others make refunds with the same key."""


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a refund takes: gas, and the most that is paid for it, in wei per gas."""

    gas_limit: int
    max_fee: int

    @property
    def cost(self) -> int:
        """At most so many of the chain's smallest units."""
        return self.gas_limit * self.max_fee


class ChainRefunder:
    """`payments.refunds.Refunder` over JSON-RPC.

    Args:
        final_after: blocks on top of a transaction from which on it is final.
        has_gas_coin: whether gas is paid in the chain's own coin.
    """

    def __init__(self, rpc: RpcClient, store: Refunds, *, chain_id: int, final_after: int, has_gas_coin: bool) -> None:
        self._rpc = rpc
        self._store = store
        self._chain_id = chain_id
        self._final_after = final_after
        self._has_gas_coin = has_gas_coin

    async def highest_cost(self, sender: str, token: str, recipient: str, amount: int) -> int:
        return (await self._offer(sender, token, recipient, amount)).cost

    async def make(self, key: str, payment_id: str, token: str, recipient: str, amount: int) -> Refund:
        account = AccountKey(key)
        offer = await self._offer(account.address, token, recipient, amount)
        for _ in range(_ATTEMPTS):
            nonce = await self._free_nonce(account.address)
            fees = offer.max_fee, _TIP_WEI, offer.gas_limit
            hash_, raw = await account.sign(Call(self._chain_id, nonce, token, _transfer(recipient, amount), *fees))
            made = Refund(payment_id, self._chain_id, account.address, nonce, token, recipient, amount, hash_, raw)
            if await self._store.record(made):
                return made
            if await self._store.find(payment_id) is not None:
                break
        raise RefundRefused("The payment has a refund already, or is not settled and final any more.")

    async def pursue(self, refund: Refund) -> Standing:
        found, depth = await self._rpc.first(lambda node: _found(node, refund.hash))
        if found is None:
            await self._send_with_those_before(refund)
            return Standing.WAITING
        if depth < self._final_after:
            return Standing.IN_BLOCK
        if _has_moved(found, refund):
            await self._store.final(refund)
            return Standing.FINAL
        await self._store.withdraw(refund)
        return Standing.VOID

    async def give_up(self, refund: Refund, replaced_by: str) -> None:
        if replaced_by.lower() == refund.hash:
            raise RefundRefused("That is the refund itself.")
        other = await self._rpc.ask(transaction(replaced_by))
        found, depth = await self._rpc.first(lambda node: _found(node, replaced_by))
        taken = other is not None and (other.sender, other.nonce) == (refund.sender.lower(), refund.nonce)
        if not taken or found is None or depth < self._final_after:
            raise RefundRefused(
                f"{replaced_by} is not a final transaction of {refund.sender} with the nonce {refund.nonce}."
            )
        await self._store.withdraw(refund)

    async def _offer(self, sender: str, token: str, recipient: str, amount: int) -> _Offer:
        data = _transfer(recipient, amount)
        try:
            held = words(await self._rpc.ask(call(token, call_data("balanceOf(address)", sender))))
            if not held or held[0] < amount:
                raise RefundRefused(f"The account {sender} holds less of the token than is to be refunded.")
            gas = await self._rpc.ask(gas_estimate(sender, token, data))
        except CallFailed:
            raise RefundRefused("The token would refuse this transfer: its contract reverts it.") from None
        head = await self._rpc.ask(block("latest"))
        made = _Offer(gas * 3 // 2, 2 * head.base_fee + _TIP_WEI)
        if self._has_gas_coin and await self._rpc.ask(balance(sender)) < made.cost:
            raise RefundRefused(f"The account {sender} cannot pay for gas: send it {made.cost} wei at least.")
        return made

    async def _free_nonce(self, sender: str) -> int:
        taken = {each.nonce for each in await self._store.under_way(self._chain_id, sender)}
        known = await self._rpc.ask(transaction_count(sender, "pending"))
        return next(nonce for nonce in count(known) if nonce not in taken)

    async def _send_with_those_before(self, refund: Refund) -> None:
        """A node keeps a transaction back while a nonce before it is missing."""
        for each in await self._store.under_way(self._chain_id, refund.sender):
            if each.nonce <= refund.nonce:
                await self._send(each, is_wanted=each.hash == refund.hash)

    async def _send(self, refund: Refund, *, is_wanted: bool) -> None:
        try:
            await sending.send(self._rpc, refund.raw)
        except NodeRefusal as refusal:
            found, _ = await self._rpc.first(lambda node: _found(node, refund.hash))
            if found is None and is_wanted:
                raise RefundRefused(
                    f"The node does not take the refund's transaction {refund.hash}, which stays recorded. Gas, or its "
                    f"nonce {refund.nonce}, which another transaction of {refund.sender} may have: see --replaced-by."
                ) from refusal


async def _found(node: Node, hash_: str) -> tuple[TransactionReceipt | None, int]:
    """Receipt and depth by one node: two may know different blocks."""
    found = await node.ask(receipt(hash_))
    return found, 0 if found is None else await node.ask(block_number()) - found.block


def _transfer(recipient: str, amount: int) -> str:
    return f"0x{selector('transfer(address,uint256)').hex()}{word(recipient)}{amount:064x}"


def _has_moved(found: TransactionReceipt, refund: Refund) -> bool:
    return found.succeeded and any(_is_of(log, refund) for log in found.logs)


def _is_of(log: Log, refund: Refund) -> bool:
    wanted = (TRANSFER, address_topic(refund.sender), address_topic(refund.recipient))
    of_token = log.address == refund.token.lower()
    return of_token and log.topics[:3] == wanted and words(log.data)[0] == refund.amount
