"""Sends a signed transaction, and distinguishes a node's refusal from an outage."""

import logging
import re

from errors import RailUnavailable
from payments.evm.question import JsonRpcError
from payments.evm.questions import send_raw_transaction
from payments.evm.rpc import RpcClient

logger = logging.getLogger(__name__)

_KNOWN = re.compile(r"\bknown transaction|already ?known|already imported|same hash", re.IGNORECASE)
_LOW = re.compile(r"nonce ?too ?low|old ?nonce", re.IGNORECASE)
"""Messages of geth, reth, Erigon, Nethermind, Besu and anvil; JSON-RPC has no codes for them."""


class NodeRefusal(Exception):
    """The node refused a transaction."""


class NonceTooLow(NodeRefusal):
    """A block already contains a transaction with this nonce."""


async def send(rpc: RpcClient, raw_transaction: bytes) -> None:
    """Send a signed transaction. Sending the identical one twice is harmless.

    Raises:
        NodeRefusal: the first reachable node refused it, so no node received it from this call.
        RailUnavailable: it is not known whether a node received it.
    """
    question = send_raw_transaction("0x" + raw_transaction.hex())
    may_have_arrived = False
    for node in rpc.nodes:
        try:
            await node.check()
        except RailUnavailable:
            continue  # the transaction was not sent to it
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
