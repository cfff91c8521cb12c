"""Sending a transaction: refusals of the node, and what a lost reply proves."""

from contextlib import ExitStack

import pytest

from errors import RailUnavailable
from payments.evm.sending import NodeRefusal, NonceTooLow, send
from tests.fakes.serving import serving
from tests.payments.conftest import Connect
from tests.payments.evm.fixed_node import FixedNode, failing


async def test_a_node_that_refuses_a_transaction_has_not_taken_it(connect: Connect, rpc_url: str) -> None:
    with pytest.raises(NodeRefusal):
        await send(connect(rpc_url), b"\x02no transaction")


@pytest.mark.parametrize(
    "text",
    [
        "already known",  # geth, reth, Erigon
        "AlreadyKnown",  # Nethermind
        "Known transaction",  # Besu
        "transaction already imported",  # anvil
    ],
)
async def test_a_transaction_that_the_node_has_is_no_refusal(nodes: ExitStack, connect: Connect, text: str) -> None:
    node = failing({"code": -32000, "message": text})
    await send(connect(nodes.enter_context(serving(node.app()))), b"")


@pytest.mark.parametrize(
    ("text", "low"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", True),  # geth, reth
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", True),  # Nethermind
        ("Nonce too low", True),  # Besu
        ("replacement transaction underpriced", False),
        ("insufficient funds for gas * price + value: balance 0, tx cost 1", False),
        ("unknown transaction type", False),
    ],
)
async def test_tells_a_nonce_that_was_used_from_other_refusals(
    nodes: ExitStack, connect: Connect, text: str, low: bool
) -> None:
    node = failing({"code": -32000, "message": text})
    with pytest.raises(NodeRefusal) as refusal:
        await send(connect(nodes.enter_context(serving(node.app()))), b"")
    assert isinstance(refusal.value, NonceTooLow) == low


async def test_a_refusal_after_a_lost_reply_proves_nothing(nodes: ExitStack, connect: Connect, rpc_url: str) -> None:
    """The second node may refuse because the first one has spread the very same transaction already."""
    broken = nodes.enter_context(serving(FixedNode("", 502, chain_id="0x14a34").app()))
    with pytest.raises(RailUnavailable):
        await send(connect(broken, rpc_url), b"\x02no transaction")
