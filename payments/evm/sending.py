"""Sends a signed transaction, and tells a node's refusal from an outage."""

import logging
import re

from errors import RailUnavailable
from payments.evm.question import JsonRpcError
from payments.evm.questions import send_raw_transaction
from payments.evm.rpc import RpcClient

logger = logging.getLogger(__name__)

_KNOWN = re.compile(r"\bknown transaction|already ?known|already imported|same hash", re.IGNORECASE)
_LOW = re.compile(r"nonce ?too ?low|old ?nonce", re.IGNORECASE)
"""What geth, reth, Erigon, Nethermind, Besu and anvil say; JSON-RPC has no codes for it."""


class NodeRefusal(Exception):
    """The node answered a transaction with an error: it has not accepted it."""


class NonceTooLow(NodeRefusal):
    """There is a transaction with this nonce in a block."""


async def send(rpc: RpcClient, raw_transaction: bytes) -> None:
    """Hand a signed transaction over; sending the very same one twice does no harm.

    Raises:
        NodeRefusal: the first node asked refused it, so this call has put it nowhere.
        RailUnavailable: not known whether it arrived.
    """
    question = send_raw_transaction("0x" + raw_transaction.hex())
    may_have_arrived = False
    for node in rpc.nodes:
        try:
            await node.check()
        except RailUnavailable:
            continue  # it was handed nothing
        try:
            answer = await node.ask_or_error(question)
        except RailUnavailable:
            may_have_arrived = True
            continue
        if not isinstance(answer, JsonRpcError) or _KNOWN.search(answer.message):
            return
        logger.warning("the node refuses a transaction: JSON-RPC error %s", answer.code)
        if not may_have_arrived:
            kind = NonceTooLow if _LOW.search(answer.message) else NodeRefusal
            raise kind("the node refuses the transaction")
    raise RailUnavailable("It is not known whether the chain accepted the transaction.")
