"""The two local chains of the sandbox: where they listen, what is on them, how they start and end.

Base-like: chain id 84532, one block a second, the test token at the address of Circle's USDC on Base Sepolia and a
Multicall at that of Multicall3. Tempo-mode: chain id 42431, hardfork T4, pathUSD from the start; it is reached through
the shim (see shim.py), never directly.
"""

import atexit
import fcntl
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from sandbox.accounts import BUYER, SECOND_BUYER, TREASURY
from sandbox.anvil import anvil
from sandbox.calls import call_data
from sandbox.environment import BASE_PORT, TEMPO_PORT
from sandbox.process import ROOT, SandboxError
from sandbox.rpc import LOOPBACK, Rpc, loopback
from sandbox.rpc_proxy import shim

MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11"
ALLOWANCE = 1_000_000_000  # base units a buyer starts with on the Base-like chain: 1,000 dollars

# States of old blocks are of no use here; without this option anvil writes them to the home directory.
# Base asks about a hundredth of a gwei per gas; anvil begins with a whole one, at which no picture would be worth it.
BASE_OPTIONS = ("--block-time", "1", "--prune-history", "256", "--block-base-fee-per-gas", "10000000")
# A transaction is mined at once, and the chain's time passes without one: it is what proves that a lost one is over.
TEMPO_OPTIONS = (
    *("--network", "tempo", "--hardfork", "T4", "--prune-history", "256"),
    *("--block-time", "1", "--mixed-mining"),
)
NO_TIP = {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x0"}
"""Fees of who sends for us; by itself anvil tips a whole gwei, and that would be what others have to offer."""
CONTRACTS = Path(__file__).parent / "contracts"
LOCK = ROOT / "state" / "sandbox.lock"

C = TypeVar("C", bound="Chain")


class Chain:
    """A local chain as its users see it. Amounts are base units of its dollar, which has six decimals.

    Attributes:
        rpc_url: where payers and the service send their JSON-RPC.
    """

    chain_id: ClassVar[int]
    token: ClassVar[str]
    """Address of the dollar."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.rpc_url = rpc.url

    @classmethod
    @contextmanager
    def connect(cls, rpc_url: str) -> Iterator[Self]:
        """A chain that is run elsewhere."""
        with Rpc(rpc_url) as rpc:
            yield cls(rpc)

    def is_running(self) -> bool:
        """Whether this chain answers at its URL and its dollar is there."""
        return self.rpc.answers(self.chain_id) and self.rpc.call("eth_getCode", self.token, "latest") != "0x"

    def balance_of(self, address: str, token: str | None = None) -> int:
        """What the address holds of the dollar, or of another token, in base units."""
        data = call_data("balanceOf(address)", address)
        return int(self.rpc.call("eth_call", {"to": token or self.token, "data": data}, "latest"), 16)

    def fund(self, address: str, units: int, token: str | None = None) -> None:
        """Give the address base units on top of what it holds; they are there when this returns."""
        self._transact(call_data("transfer(address,uint256)", address, units), token or self.token)

    def _transact(self, data: str, token: str) -> None:
        sent = self.rpc.call("eth_sendTransaction", {"from": TREASURY.address, "to": token, "data": data, **NO_TIP})
        self.rpc.call("evm_mine")
        if int(self.rpc.call("eth_getTransactionReceipt", sent)["status"], 16) != 1:
            raise SandboxError(f"transaction {sent} was reverted")


class BaseChain(Chain):
    """The Base-like chain, whose dollar is minted at will."""

    chain_id = 84532
    token = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"  # noqa: S105 - an address

    def fund(self, address: str, units: int, token: str | None = None) -> None:
        self._transact(call_data("mint(address,uint256)", address, units), token or self.token)


class TempoChain(Chain):
    """The Tempo-mode chain, whose dollar is pathUSD. Beside it there is AlphaUSD, with a pool between the two for fees;
    both belong to the development accounts, and AlphaUSD is what they have chosen to pay their gas in."""

    chain_id = 42431
    token = "0x20c0000000000000000000000000000000000000"  # noqa: S105 - an address
    second_token = "0x20c0000000000000000000000000000000000001"  # noqa: S105 - an address


@contextmanager
def base_chain(port: int = 0, host: str = LOOPBACK) -> Iterator[BaseChain]:
    """Run the Base-like chain with both buyers funded. Port 0 takes any free one. Raises SandboxError."""
    with anvil(BaseChain.chain_id, *BASE_OPTIONS, port=port, host=host) as rpc:
        chain = BaseChain(rpc)
        rpc.call("anvil_setCode", MULTICALL, artefact("Multicall")["runtime_bytecode"])
        rpc.call("anvil_setCode", chain.token, artefact("TestToken")["runtime_bytecode"])
        for buyer in (BUYER, SECOND_BUYER):
            chain.fund(buyer.address, ALLOWANCE)
        yield chain


@contextmanager
def tempo_chain(port: int = 0, host: str = LOOPBACK) -> Iterator[TempoChain]:
    """Run the Tempo-mode chain, and the shim before it on this port (0: any free one). Raises SandboxError."""
    with anvil(TempoChain.chain_id, *TEMPO_OPTIONS) as node, shim(node.url, TempoChain.chain_id, port, host) as rpc:
        yield TempoChain(rpc)


@contextmanager
def both_chains(base_port: int = BASE_PORT, tempo_port: int = TEMPO_PORT) -> Iterator[tuple[BaseChain, TempoChain]]:
    """Both chains: those that stand on these ports already are used and left alone, the others are run."""
    with ExitStack() as parts:
        with _one_at_a_time():
            base = parts.enter_context(_standing(BaseChain, base_port, base_chain(base_port)))
            tempo = parts.enter_context(_standing(TempoChain, tempo_port, tempo_chain(tempo_port)))
        yield base, tempo


def ensure_running(base_url: str, tempo_url: str) -> None:
    """Have both chains at these loopback URLs for as long as this process lives; nothing to do where they stand.

    For a service that is started without the launcher. Call it from the main thread (see die_with_parent.py).
    """
    parts = ExitStack()
    parts.enter_context(both_chains(_port(base_url), _port(tempo_url)))
    atexit.register(parts.close)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Launcher and service may both want the chains at once: the second waits and then finds them standing."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _standing(kind: type[C], port: int, otherwise: AbstractContextManager[C]) -> AbstractContextManager[C]:
    url = loopback(port)
    with kind.connect(url) as chain:
        return kind.connect(url) if port and chain.is_running() else otherwise


def _port(url: str) -> int:
    """Raises SandboxError for a URL of another machine, where no chain can be started."""
    parts = urlsplit(url)
    if parts.hostname not in ("127.0.0.1", "localhost") or not parts.port:
        raise SandboxError("The sandbox's chains are run on this machine: give http://127.0.0.1:PORT as their RPC URL.")
    return parts.port


def artefact(contract: str) -> dict[str, Any]:
    """The compiled contract as compile.mjs wrote it."""
    compiled: dict[str, Any] = json.loads((CONTRACTS / f"{contract}.json").read_text())
    return compiled
