"""Diagnosis of a rail's chain: each RPC URL, the clock, and an account's balances."""

import time
from collections.abc import Mapping
from decimal import Decimal

from errors import RailUnavailable
from payments.chain_clock import MAX_APART_S
from payments.diagnosis import Finding, fault, good
from payments.evm.abi import WORD_BYTES, call_data
from payments.evm.node import Node
from payments.evm.question import CallFailed
from payments.evm.questions import Block, block, call
from payments.evm.rpc import RpcClient

TIMEOUT_S = 8.0
_SETTINGS = ("rpc_url", "fallback_rpc_url")


async def examine_nodes(rpc: RpcClient, chain_id: int) -> list[Finding]:
    """A finding for each URL, and one for the clock if a node responds."""
    nodes = rpc.nodes
    heads = await rpc.each(lambda node: node.ask(block("latest")), limit_s=TIMEOUT_S)
    found = [
        _node(place, node, head, chain_id, setting)
        for place, (node, head, setting) in enumerate(zip(nodes, heads, _SETTINGS, strict=False), 1)
    ]
    seen = [head.timestamp for head in heads if isinstance(head, Block)]
    return [*found, _clock(max(seen))] if seen else found


async def examine_balances(
    rpc: RpcClient, account: str, tokens: Mapping[str, str], decimals: int, setting: str
) -> list[Finding]:
    """An account's balances of tokens (name → address) that are named in a setting. `examine_nodes` reports nodes that
    do not respond."""
    found = []
    for name, token in tokens.items():
        try:
            held = await rpc.ask(call(token, call_data("balanceOf(address)", account)))
        except CallFailed:
            held = b""
        except RailUnavailable:
            continue
        if len(held) != WORD_BYTES:
            remedy = "Give the address of the token's contract on this chain."
            found.append(fault("token", f"{token} is not a token on this chain.", remedy, setting))
        else:
            amount = Decimal(int.from_bytes(held)).scaleb(-decimals)
            found.append(good("balance", f"{account} holds {amount:f} {name}."))
    return found


def _node(place: int, node: Node, head: Block | RailUnavailable, chain_id: int, setting: str) -> Finding:
    part = f"RPC URL {place}"
    if isinstance(head, Block):
        return good(part, f"On chain {chain_id}, block {head.number}.")
    if node.other_chain is not None:
        says = f"Leads to chain {node.other_chain}, not {chain_id}."
        return fault(part, says, "Give a URL of the right chain.", setting)
    return fault(part, "Does not respond.", "Try it from this host; use another URL while it is down.", setting)


def _clock(newest: int) -> Finding:
    apart = time.time() - newest
    if abs(apart) <= MAX_APART_S:
        return good("clock", f"The newest block is {apart:.0f} s old by this host's clock.")
    behind = f"This host's clock is {-apart:.0f} s behind the newest block."
    old = f"The newest block is {apart:.0f} s old by this host's clock."
    remedy = "Compare the host's clock with a time service. If it is right, the node has stopped: use another."
    return fault("clock", old if apart > 0 else behind, remedy, "rpc_url")
