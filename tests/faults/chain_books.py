"""The books of the chains: every transfer to the seller, read from the logs and matched to the payment that was signed.

x402: `AuthorizationUsed(payer, nonce)` with the token's `Transfer` right after it. MPP: `TransferWithMemo`.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from eth_utils.crypto import keccak

from sandbox.accounts import SELLER
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
class Books:
    """Follows one chain. The campaign asks the chain itself, never through the weather."""

    chain: Chain
    found: Found
    _next_block: int = 0
    _timestamps: dict[str, int] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def follow(self) -> None:
        """Read on, until cancelled."""
        while True:
            with suppress(httpx.HTTPError):  # a busy machine; the next round reads it
                await self.catch_up()
            await asyncio.sleep(_EVERY_S)

    async def catch_up(self) -> None:
        """Read all blocks up to the latest."""
        async with self._turn:
            for key, transfer in await asyncio.to_thread(self._read):
                self.found(key, transfer)

    def _read(self) -> list[tuple[str | None, Transfer]]:
        last = int(self.chain.rpc.call("eth_blockNumber"), 16)
        if last < self._next_block:
            return []
        query = {"address": self.chain.token, "fromBlock": hex(self._next_block), "toBlock": hex(last)}
        logs = self.chain.rpc.call("eth_getLogs", query)
        paid = _paid(logs, with_memo=isinstance(self.chain, TempoChain))
        transfers = [(key, self._transfer(log)) for key, log in paid]
        self._next_block = last + 1
        return transfers

    def _transfer(self, log: Log) -> Transfer:
        block = log["blockNumber"]
        if block not in self._timestamps:
            self._timestamps[block] = int(self.chain.rpc.call("eth_getBlockByNumber", block, False)["timestamp"], 16)
        return Transfer(
            chain="Base" if isinstance(self.chain, BaseChain) else "Tempo",
            transaction=log["transactionHash"],
            block=int(block, 16),
            timestamp=self._timestamps[block],
            seen_at=time.time(),
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
