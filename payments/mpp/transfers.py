"""All transfers of the accepted tokens to our address in a period."""

from collections.abc import Mapping
from typing import Any

from eth_utils.crypto import keccak

from errors import RailUnavailable
from payments.mpp.abi import UNREADABLE, UNREADABLE_ANSWER, number, topic
from payments.mpp.rpc import Rpc
from payments.mpp.wire import RAIL
from payments.transfers import LOG_SPAN, Transfer, blocks_between

_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


class Transfers:
    """Reads them from the tokens' log. A payment is known by the hash of its transaction.

    Args:
        recipient: our address.
        currencies: the tokens.
        log_span: blocks per search.
    """

    def __init__(self, rpc: Rpc, *, recipient: str, currencies: tuple[str, ...], log_span: int = LOG_SPAN) -> None:
        self._rpc = rpc
        self._recipient = recipient
        self._currencies = currencies
        self._log_span = log_span

    async def between(self, since: float, until: float) -> list[Transfer]:
        """Those in blocks from `since` on and before `until`, unix seconds, oldest first.

        Raises:
            RailUnavailable: the chain does not answer, or not with what can be read.
        """
        try:
            latest = number(await self._rpc.call("eth_blockNumber"))
            found = []
            for first, last in await blocks_between(self._time_of, latest, since, until, span=self._log_span):
                found += [await self._transfer(log) for log in await self._received(first, last)]
            return found
        except UNREADABLE:
            raise RailUnavailable(UNREADABLE_ANSWER) from None

    async def _received(self, first: int, last: int) -> list[Mapping[str, Any]]:
        query = {
            "address": list(self._currencies),
            "topics": [_TRANSFER, None, topic(self._recipient)],
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        return list(await self._rpc.call("eth_getLogs", query))

    async def _transfer(self, log: Mapping[str, Any]) -> Transfer:
        transaction = log["transactionHash"].lower()
        return Transfer(
            rail=RAIL,
            reference=transaction,
            transaction=transaction,
            payer="0x" + log["topics"][1][-40:].lower(),
            amount=number(log["data"]),
            at=await self._time_of(number(log["blockNumber"])),
        )

    async def _time_of(self, block: int) -> int:
        return number((await self._rpc.call("eth_getBlockByNumber", hex(block), False))["timestamp"])
