"""What the chains record: every transfer to the seller with the payment that was signed, gas and reverted transactions.

x402: `AuthorizationUsed(payer, nonce)` with the token's `Transfer` right after it. MPP: `TransferWithMemo`.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from eth_utils.crypto import keccak

from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain, Chain, TempoChain
from tests.faults.history import Transfer

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
AUTHORIZATION_USED = "0x" + keccak(text="AuthorizationUsed(address,bytes32)").hex()
TRANSFER_WITH_MEMO = "0x" + keccak(text="TransferWithMemo(address,address,uint256,bytes32)").hex()
_SELLER = "0x" + SELLER.address[2:].lower().rjust(64, "0")
_EVERY_S = 0.5

Log = dict[str, Any]
Found = Callable[[str | None, Transfer], None]
"""Takes the key of a payment (None: a transfer that belongs to no authorization) and its transfer."""


@dataclass
class ChainRecords:
    """Follows one chain, block by block. The campaign asks the chain itself, never through a proxy.

    Attributes:
        gas: units of gas that the settlement key (ours or the facilitator's) has spent.
        reverted: transactions that were mined and failed.
    """

    chain: Chain
    found: Found
    gas: int = 0
    reverted: int = 0
    _next_block: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def follow(self) -> None:
        """Read new blocks until cancelled."""
        while True:
            with suppress(httpx.HTTPError):  # the machine is busy; the next round reads it
                await self.catch_up()
            await asyncio.sleep(_EVERY_S)

    async def catch_up(self) -> None:
        """Read all blocks up to the latest."""
        async with self._turn:
            last = int(await asyncio.to_thread(self.chain.rpc.call, "eth_blockNumber"), 16)
            while self._next_block <= last:
                for key, transfer in await asyncio.to_thread(self._read, self._next_block):
                    self.found(key, transfer)
                self._next_block += 1

    def _read(self, number: int) -> list[tuple[str | None, Transfer]]:
        receipts = self.chain.rpc.call("eth_getBlockReceipts", hex(number))
        if not receipts:
            return []
        timestamp = int(self.chain.rpc.call("eth_getBlockByNumber", hex(number), False)["timestamp"], 16)
        for receipt in receipts:
            self._count(receipt)
        logs = [log for receipt in receipts for log in receipt["logs"]]
        ours = [log for log in logs if log["address"].lower() == self.chain.token.lower()]
        paid = _paid(ours, with_memo=isinstance(self.chain, TempoChain))
        return [(key, self._transfer(log, timestamp)) for key, log in paid]

    def _count(self, receipt: Log) -> None:
        self.reverted += int(receipt["status"], 16) == 0
        if receipt["from"].lower() == SETTLER.address.lower():
            self.gas += int(receipt["gasUsed"], 16)

    def _transfer(self, log: Log, timestamp: int) -> Transfer:
        return Transfer(
            chain="Base" if isinstance(self.chain, BaseChain) else "Tempo",
            transaction=log["transactionHash"],
            block=int(log["blockNumber"], 16),
            timestamp=timestamp,
            units=int(log["data"][:66], 16),
        )


def _paid(logs: list[Log], *, with_memo: bool) -> Iterator[tuple[str | None, Log]]:
    """Each transfer to the seller with the key of its payment. On Tempo a transfer with a memo logs a plain one too."""
    before: Log | None = None
    for log in logs:
        name, *topics = [topic.lower() for topic in log["topics"]]
        if with_memo and name == TRANSFER_WITH_MEMO and topics[1] == _SELLER:
            yield topics[2], log
        elif not with_memo and name == TRANSFER and topics[1] == _SELLER:
            yield _authorization(before, log), log
        before = log


def _authorization(before: Log | None, transfer: Log) -> str | None:
    """The nonce of the authorization that was used right before this transfer, by the same payer."""
    if before is None or before["topics"][0].lower() != AUTHORIZATION_USED:
        return None
    if before["transactionHash"] != transfer["transactionHash"]:
        return None
    payer, nonce = (topic.lower() for topic in before["topics"][1:3])
    return nonce if payer == transfer["topics"][1].lower() else None
