"""The chain's JSON-RPC over one or two URLs: bounded in time, and mute about what it talks to."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import ClientError
from eth_utils.address import to_checksum_address
from web3.eth import AsyncEth
from web3.exceptions import BadFunctionCallOutput, ContractLogicError, TransactionNotFound, Web3Exception, Web3RPCError
from web3.types import BlockIdentifier

from errors import RailUnavailable
from payments.x402.node import Node

logger = logging.getLogger(__name__)
T = TypeVar("T")

ANSWERS = (ContractLogicError, BadFunctionCallOutput, TransactionNotFound)
"""What web3 raises when the chain did answer: a revert, no such function, no such transaction."""

# web3 formats an answer before it looks at it: what is none falls out as any of the last four.
_OUTAGES = (Web3Exception, ClientError, OSError, ValueError, TypeError, AttributeError, LookupError)


_KNOWN = re.compile(r"\bknown transaction|already ?known|already imported|same hash", re.IGNORECASE)
_LOW = re.compile(r"nonce ?too ?low|old ?nonce", re.IGNORECASE)
"""What geth, reth, Erigon, Nethermind, Besu and anvil say; JSON-RPC has no codes for it."""


class NodeRefusal(Exception):
    """The node answered a transaction with an error: it has not taken it."""


class NonceTooLow(NodeRefusal):
    """There is a transaction with this nonce in a block."""


class OtherChain(ValueError):
    """A URL leads to another chain than ours; the argument is that chain's id."""


class Rpc:
    """Asks the URL that answered last, then the other one. A URL that leads to another chain is not used; where it
    leads is looked at after each new connection, because that may change.

    No exception that leaves holds text of web3 or aiohttp: they quote the URL, and with it the operator's API key.

    Args:
        urls: the RPC URL and, where there is one, its fallback.
        timeout_s: for one call on one URL.
        chain_id: the chain's.
    """

    def __init__(self, urls: tuple[str, ...], *, timeout_s: float, chain_id: int) -> None:
        self._nodes = [Node(url, place, timeout_s=timeout_s) for place, url in enumerate(urls, 1)]
        self._chain_id = chain_id

    @property
    def stray(self) -> int | None:
        """The id of another chain that one of the URLs leads to; None when there is none."""
        return next((node.stray for node in self._nodes if node.stray is not None), None)

    async def ask(self, question: Callable[[AsyncEth], Awaitable[T]]) -> T:
        """One question, to the first URL that answers.

        Raises:
            ContractLogicError, BadFunctionCallOutput, TransactionNotFound: the chain's own "no".
            RailUnavailable: no URL gave an answer that can be read.
        """
        for node in tuple(self._nodes):
            try:
                answer, no = await self._answer(node, question)
            except _OUTAGES as exc:
                node.ours = False
                logger.warning("a chain call failed: %s", type(exc).__name__)
                continue
            if no is not None:
                raise no
            self._prefer(node)
            return answer  # type: ignore[return-value] # there is one where there is no "no"
        raise RailUnavailable("The chain does not answer. Nothing was charged; send the same request again.")

    async def send(self, raw_transaction: bytes) -> None:
        """Hand a signed transaction over; sending the very same one twice does no harm.

        Raises:
            NodeRefusal: the first node asked said no, so this call has put it nowhere.
            RailUnavailable: not known whether it arrived.
        """
        unclear = False
        for node in tuple(self._nodes):
            if not await self._leads_to_ours(node):
                continue
            try:
                await node.web3.eth.send_raw_transaction(raw_transaction)
            except Web3RPCError as exc:
                if _KNOWN.search(str(exc)):
                    return
                logger.warning("the node refuses a transaction: %s", type(exc).__name__)
                if not unclear:
                    kind = NonceTooLow if _LOW.search(str(exc)) else NodeRefusal
                    raise kind("the node refuses the transaction") from None  # its text may quote the URL
            except _OUTAGES as exc:
                node.ours = False
                logger.warning("sending a transaction failed: %s", type(exc).__name__)
                unclear = True
            else:
                return
        raise RailUnavailable("It is not known whether the chain took the transaction.")

    async def read(
        self,
        address: str,
        abi: list[dict[str, Any]],
        function: str,
        *args: Any,
        sender: str,
        block: BlockIdentifier = "latest",
    ) -> Any:
        """The decoded result of a contract's function, called as `sender` on a block; raises as `ask` does."""
        to, caller = to_checksum_address(address), to_checksum_address(sender)
        return await self.ask(
            lambda eth: eth.contract(address=to, abi=abi).functions[function](*args).call({"from": caller}, block)
        )

    async def code(self, address: str) -> bytes:
        """The code at an address, empty for a plain account."""
        return bytes(await self.ask(lambda eth: eth.get_code(to_checksum_address(address))))

    async def aclose(self) -> None:
        """Close the connections; whoever asks from now on gets no answer."""
        for node in self._nodes:
            await node.aclose()

    async def _answer(
        self, node: Node, question: Callable[[AsyncEth], Awaitable[T]]
    ) -> tuple[T | None, Exception | None]:
        """A node's answer, or the chain's own "no"; looked at the chain before and after, because a connection that was
        opened for the question may lead elsewhere. Raises one of `_OUTAGES`."""
        await self._check(node)
        answer, no = None, None
        try:
            answer = await question(node.web3.eth)
        except ANSWERS as exc:
            if not _is_of_the_chain(exc):
                raise
            no = exc
        await self._check(node)
        return answer, no

    async def _leads_to_ours(self, node: Node) -> bool:
        try:
            await self._check(node)
        except _OUTAGES as exc:
            logger.warning("a chain call failed: %s", type(exc).__name__)
            return False
        return True

    async def _check(self, node: Node) -> None:
        """Raises OtherChain, or what a call raises."""
        if node.ours:
            return
        stray = await node.chain_id()
        if stray == self._chain_id:
            node.ours, node.stray = True, None
            return
        if node.stray != stray:
            node.stray = stray
            logger.error("RPC URL %d leads to chain %d, not %d: it is not used", node.place, stray, self._chain_id)
        raise OtherChain(stray)

    def _prefer(self, node: Node) -> None:
        if self._nodes[0] is not node:
            self._nodes.sort(key=lambda other: other is not node)


def _is_of_the_chain(answer: Exception) -> bool:
    """False for a node's own error, such as a rate limit, that web3 takes for a revert because it carries data."""
    if not isinstance(answer, ContractLogicError):
        return True
    if isinstance(answer.data, str):
        return answer.data.startswith(("0x", "Reverted ", "no data"))
    added_by_web3 = "execution reverted: " if answer.data else ""
    return "revert" in (answer.message or "").removeprefix(added_by_web3).lower()
