"""What the Tempo chain itself says: its id, balances, and what became of a payment."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from eth_utils.address import to_checksum_address
from mpp.methods.tempo.intents import TRANSFER_WITH_MEMO_TOPIC

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.mpp.rpc import Rpc
from payments.mpp.transaction import SignedTransaction
from payments.mpp.wire import RAIL
from payments.rail import Finality, Payment, Receipt

logger = logging.getLogger(__name__)

NODE_LAG_S = 15
"""A public endpoint is many nodes: the one that is asked for the receipt may lag behind the one that told the time."""
_PROBE_S = 0.9
"""For each URL, so that a second one can still answer within the two seconds that a rail's health may take."""
_BALANCE_OF = "0x70a08231"
_UNREADABLE_ANSWER = "The payment chain's answer cannot be read. Nothing was charged."
_UNREADABLE = (KeyError, IndexError, TypeError, AttributeError)  # what reading a malformed answer raises


class Chain:
    """One Tempo chain, asked over JSON-RPC."""

    def __init__(self, rpc: Rpc, chain_id: int) -> None:
        self._rpc = rpc
        self._chain_id = chain_id
        self._network = f"eip155:{chain_id}"

    async def balance_of(self, token: str, holder: str) -> int:
        """Base units of a TIP-20 token. Raises RailUnavailable."""
        data = _BALANCE_OF + _word(holder)
        return _number(await self._rpc.call("eth_call", {"to": token, "data": data}, "latest"))

    async def base_fee(self) -> int:
        """What the latest block asked for one unit of gas, in 10^-18 dollars. Raises RailUnavailable."""
        try:
            return _number((await self._rpc.call("eth_getBlockByNumber", "latest", False))["baseFeePerGas"])
        except _UNREADABLE:
            raise RailUnavailable(_UNREADABLE_ANSWER) from None

    def evidence(self, transaction: SignedTransaction, *, recipient: str, currency: str) -> Mapping[str, str]:
        """What `find_receipt` needs beside the payment's own fields."""
        return {
            "network": self._network,
            "memo": transaction.memo,
            "recipient": recipient.lower(),
            "currency": currency.lower(),
            "raw": transaction.raw,
        }

    async def is_known(self, transaction: SignedTransaction) -> bool:
        """Whether a transaction is in a block. Raises RailUnavailable."""
        return await self._lookup(transaction.hash) is not None

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """The receipt of a payment; None when it is proven that it moved nothing and never will.

        Raises:
            PaymentOutcomeUnknown: the chain does not answer, or can still go either way.
        """
        if payment.evidence["network"] != self._network:
            raise PaymentOutcomeUnknown()  # the operator has moved to another chain; this one knows nothing of it
        try:
            # One node speaks for itself, and tells the time before it looks: what is in no block of a chain past its
            # end will be in none. Another node may be hours behind, or on another chain.
            chain_id, block, found = await self._rpc.ask(
                ("eth_chainId",),
                ("eth_getBlockByNumber", "latest", False),
                ("eth_getTransactionReceipt", payment.transaction),
            )
            now = _number(block["timestamp"])
            if _number(chain_id) != self._chain_id:
                raise PaymentOutcomeUnknown()
            if found is not None:
                return await self._judge(found, payment)
        except (RailUnavailable, *_UNREADABLE):
            raise PaymentOutcomeUnknown() from None
        if now < payment.valid_before + NODE_LAG_S:
            raise PaymentOutcomeUnknown()
        return None

    async def recheck(self, payment: Payment, *, finality_blocks: int) -> Finality:
        """Whether a settled payment is still in the chain, and how deep; one that has vanished is sent once more.

        Raises:
            PaymentOutcomeUnknown: the chain does not answer, or is not the one that was paid on.
        """
        try:
            found, head = await self._rpc.ask(
                ("eth_getTransactionReceipt", payment.transaction), ("eth_getBlockByNumber", "latest", False)
            )
            if found is not None and _number(found["status"]) == 1:
                deep = _number(head["number"]) - _number(found["blockNumber"]) >= finality_blocks
                return Finality.FINAL if deep else Finality.PENDING
        except (RailUnavailable, *_UNREADABLE):
            raise PaymentOutcomeUnknown() from None
        try:
            return Finality.LOST if await self.find_receipt(payment) is None else Finality.PENDING
        except PaymentOutcomeUnknown:
            await self._send_again(payment)
            return Finality.PENDING

    async def receipt(self, payment: Payment, *, otherwise_at: int) -> Receipt:
        """The receipt of a payment that is known to be in a block; dated by our clock if the chain is silent now."""
        try:
            return await self._dated(await self._lookup(payment.transaction), payment)
        except (RailUnavailable, *_UNREADABLE):
            return self._receipt(payment, at=otherwise_at)

    async def health(self) -> str | None:
        """None when the chain answers and is the right one, else one public sentence."""
        try:
            chain_id = _number(await self._rpc.call("eth_chainId", timeout_s=_PROBE_S))
        except RailUnavailable:
            return "The payment chain does not answer."
        return None if chain_id == self._chain_id else "The payment chain is not the one that is configured."

    async def _send_again(self, payment: Payment) -> None:
        """Whether a node took it shows at the next look."""
        with suppress(RailUnavailable, KeyError):  # payments of an earlier version were kept without their transaction
            await self._rpc.call("eth_sendRawTransaction", payment.evidence["raw"])

    async def _lookup(self, transaction: str | None) -> Any:
        return await self._rpc.call("eth_getTransactionReceipt", transaction)

    async def _judge(self, found: Any, payment: Payment) -> Receipt | None:
        if _number(found["status"]) != 1:
            return None  # reverted: it is in a block, moved nothing but the payer's gas, and cannot be mined again
        if not any(_pays(log, payment) for log in found["logs"]):
            logger.error("a node's receipt contradicts the transaction that was signed")
            raise PaymentOutcomeUnknown()
        return await self._dated(found, payment)

    async def _dated(self, found: Any, payment: Payment) -> Receipt:
        """Dated by the block, so that it is the same receipt whoever asks and whenever."""
        stamp = found["logs"][0].get("blockTimestamp")  # not every node puts it there
        if stamp is None:
            stamp = (await self._rpc.call("eth_getBlockByNumber", found["blockNumber"], False))["timestamp"]
        return self._receipt(payment, at=_number(stamp))

    def _receipt(self, payment: Payment, *, at: int) -> Receipt:
        return Receipt(
            rail=RAIL,
            network=self._network,
            transaction=payment.transaction or "",
            payer=to_checksum_address(payment.payer),
            at=at,
        )


def _pays(log: Mapping[str, Any], payment: Payment) -> bool:
    """Whether a log is the transfer of the whole amount to the recipient under the payment's own memo."""
    topics = [TRANSFER_WITH_MEMO_TOPIC, _topic(payment.payer), _topic(payment.evidence["recipient"])]
    return (
        log["address"].lower() == payment.evidence["currency"]
        and [topic.lower() for topic in log["topics"]] == [*topics, payment.evidence["memo"]]
        and _number(log["data"]) == payment.amount
    )


def _topic(address: str) -> str:
    return "0x" + _word(address)


def _word(address: str) -> str:
    return address.removeprefix("0x").lower().rjust(64, "0")


def _number(value: Any) -> int:
    """A JSON-RPC quantity. Raises RailUnavailable for anything else."""
    try:
        return int(value, 16)
    except (ValueError, TypeError):
        raise RailUnavailable(_UNREADABLE_ANSWER) from None
