"""All transfers of the token to our address in a period, with the authorization behind each."""

from collections.abc import Iterator, Mapping
from typing import Any

from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from web3.types import LogReceipt

from errors import RailUnavailable
from payments.transfers import LOG_SPAN, Transfer, blocks_between
from payments.x402.chain import AUTHORIZATION_USED, TRANSFER, topic_of
from payments.x402.requirements import QuoteTerms
from payments.x402.rpc import ANSWERS, Rpc
from payments.x402.wire import RAIL, payment_id


class Transfers:
    """Reads them from the token's log.

    Args:
        log_span: blocks per search.
    """

    def __init__(self, rpc: Rpc, terms: QuoteTerms, *, log_span: int = LOG_SPAN) -> None:
        self._rpc = rpc
        self._terms = terms
        self._log_span = log_span

    async def between(self, since: float, until: float) -> list[Transfer]:
        """Those in blocks from `since` on and before `until`, unix seconds, oldest first.

        Raises:
            RailUnavailable: the chain does not answer.
        """
        try:
            latest = await self._rpc.ask(lambda eth: eth.block_number)
            found = []
            for first, last in await blocks_between(self._time_of, latest, since, until, span=self._log_span):
                found += [await self._transfer(log) for log in await self._received(first, last)]
            return found
        except ANSWERS:
            raise RailUnavailable("The chain does not show all of its blocks.") from None

    async def _received(self, first: int, last: int) -> list[LogReceipt]:
        return await self._rpc.ask(
            lambda eth: eth.get_logs(
                {
                    "address": to_checksum_address(self._terms.asset),
                    "topics": [HexStr(TRANSFER), None, HexStr(topic_of(self._terms.pay_to))],
                    "fromBlock": first,
                    "toBlock": last,
                }
            )
        )

    async def _transfer(self, log: LogReceipt) -> Transfer:
        receipt = await self._rpc.ask(lambda eth: eth.get_transaction_receipt(log["transactionHash"]))
        nonces = dict(_authorizations(receipt["logs"], self._terms.asset))
        payer = "0x" + log["topics"][1].to_0x_hex()[-40:]
        nonce = nonces.get(log["logIndex"])
        return Transfer(
            rail=RAIL,
            reference=None if nonce is None else payment_id(self._terms, payer, nonce),
            transaction=log["transactionHash"].to_0x_hex(),
            payer=payer,
            amount=int.from_bytes(log["data"]),
            at=await self._time_of(log["blockNumber"]),
        )

    async def _time_of(self, block: int) -> int:
        return int((await self._rpc.ask(lambda eth: eth.get_block(block)))["timestamp"])


def _authorizations(logs: list[Mapping[str, Any]] | list[LogReceipt], token: str) -> Iterator[tuple[int, str]]:
    """Place of each transfer that an authorization made, and that one's nonce: the token's `Transfer` comes right after
    its `AuthorizationUsed`."""
    nonce: str | None = None
    for log in logs:
        if log["address"] != token:
            continue
        topic = log["topics"][0].to_0x_hex()
        if topic == TRANSFER and nonce is not None:
            yield log["logIndex"], nonce
        nonce = log["topics"][2].to_0x_hex() if topic == AUTHORIZATION_USED else None
