"""The two local chains of the sandbox: where they listen, what is on them, how they start and end.

Base-like: chain id 84532, one block a second, the test token at the address of Circle's USDC on Base Sepolia and a
Multicall at that of Multicall3. Tempo-mode: chain id 42431, hardfork T4, pathUSD from the start; it is reached through
the shim (see shim.py), never directly.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.accounts import BUYER, SECOND_BUYER, TREASURY
from sandbox.anvil import anvil
from sandbox.process import SandboxError
from sandbox.rpc import Rpc, call_data
from sandbox.shim import shim

BASE_PORT, TEMPO_PORT, TEMPO_NODE_PORT = 18545, 18546, 18547
BASE_CHAIN_ID, TEMPO_CHAIN_ID = 84532, 42431
TOKEN = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"  # noqa: S105 - an address
MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
PATH_USD = "0x20c0000000000000000000000000000000000000"
ALLOWANCE = 1_000_000_000  # base units a buyer starts with on the Base-like chain: 1,000 dollars

# States of old blocks are of no use here; without this option anvil writes them to the home directory.
BASE_OPTIONS = ("--block-time", "1", "--prune-history", "256")
TEMPO_OPTIONS = ("--network", "tempo", "--hardfork", "T4", "--prune-history", "256")
CONTRACTS = Path(__file__).parent / "contracts"


class Chain:
    """A local chain as its users see it. Amounts are base units of its dollar, which has six decimals.

    Attributes:
        rpc_url: where payers and the service send their JSON-RPC.
        token: address of the dollar.
    """

    def __init__(self, rpc: Rpc, token: str) -> None:
        self.rpc = rpc
        self.rpc_url = rpc.url
        self.token = token

    def balance_of(self, address: str) -> int:
        """What the address holds, in base units."""
        data = call_data("balanceOf(address)", address)
        return int(self.rpc.call("eth_call", {"to": self.token, "data": data}, "latest"), 16)

    def fund(self, address: str, units: int) -> None:
        """Give the address base units on top of what it holds; they are there when this returns."""
        self._transact(call_data("transfer(address,uint256)", address, units))

    def _transact(self, data: str) -> None:
        sent = self.rpc.call("eth_sendTransaction", {"from": TREASURY.address, "to": self.token, "data": data})
        self.rpc.call("evm_mine")
        if int(self.rpc.call("eth_getTransactionReceipt", sent)["status"], 16) != 1:
            raise SandboxError(f"transaction {sent} was reverted")


class BaseChain(Chain):
    """The Base-like chain, whose dollar is minted at will."""

    def fund(self, address: str, units: int) -> None:
        self._transact(call_data("mint(address,uint256)", address, units))


@contextmanager
def base_chain(port: int = BASE_PORT) -> Iterator[BaseChain]:
    """Run the Base-like chain with both buyers funded. Port 0 takes any free one. Raises SandboxError."""
    with anvil(BASE_CHAIN_ID, *BASE_OPTIONS, port=port) as rpc:
        rpc.call("anvil_setCode", MULTICALL, artefact("Multicall")["runtime_bytecode"])
        rpc.call("anvil_setCode", TOKEN, artefact("TestToken")["runtime_bytecode"])
        chain = BaseChain(rpc, TOKEN)
        for buyer in (BUYER, SECOND_BUYER):
            chain.fund(buyer.address, ALLOWANCE)
        yield chain


@contextmanager
def tempo_chain(port: int = TEMPO_PORT, node_port: int = TEMPO_NODE_PORT) -> Iterator[Chain]:
    """Run the Tempo-mode chain and the shim before it. Port 0 takes any free one. Raises SandboxError."""
    with (
        anvil(TEMPO_CHAIN_ID, *TEMPO_OPTIONS, port=node_port) as node,
        shim(node.url, TEMPO_CHAIN_ID, port=port) as rpc,
    ):
        yield Chain(rpc, PATH_USD)


def artefact(contract: str) -> dict[str, Any]:
    """The compiled contract as compile.mjs wrote it."""
    compiled: dict[str, Any] = json.loads((CONTRACTS / f"{contract}.json").read_text())
    return compiled
