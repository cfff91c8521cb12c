"""Refunds: a settled payment's money goes back to its payer, once at most.

    (none) ──record──▶ under way ──final──▶ final
                          │
                          └─withdraw (moved nothing) ─▶ (none)

The signed transfer is recorded before it is sent. From then on that very transaction is sent, by whoever comes by, and
no other one is made, until the chain proves that it moved nothing and never will.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from payments.rail_info import RailSection

_RPC_TIMEOUT_S = 10.0


class RefundRefused(Exception):
    """Nothing was sent; the text says why, and what would be right."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A transfer back to a payer.

    Attributes:
        payment_id: which payment it gives back, wholly or in part; each has one refund at a time.
        sender, recipient, token: addresses.
        nonce: of the sender's account: no other refund has it.
        amount: base units.
        hash, raw: of the signed transaction.
        made_at, final_at: unix seconds by the ledger's clock; None as long as the chain could still drop it.
    """

    payment_id: str
    chain_id: int
    sender: str
    nonce: int
    token: str
    recipient: str
    amount: int
    hash: str
    raw: bytes = field(repr=False)
    made_at: float = 0.0
    final_at: float | None = None


class Standing(StrEnum):
    """How a refund stands on the chain."""

    WAITING = "sent, in no block yet"
    IN_BLOCK = "in a block, not final yet"
    FINAL = "final"
    VOID = "reverted by the chain: it moved nothing and never will, so the payment can be refunded anew"


class Refunds(Protocol):
    """Where refunds are recorded, beside the ledger. Each method is one atomic statement, and raises
    `LedgerUnavailable` when the store does not answer."""

    async def record(self, refund: Refund) -> bool:
        """Write down a refund before it is sent; the store sets `made_at`. False when its payment has one, is not
        SETTLED and final, or another refund has its sender's nonce."""
        ...

    async def find(self, payment_id: str) -> Refund | None:
        """The refund of a payment."""
        ...

    async def under_way(self, chain_id: int, sender: str) -> list[Refund]:
        """A sender's refunds that are not final, by nonce."""
        ...

    async def final(self, refund: Refund) -> bool:
        """The chain cannot drop it any more; False when it is not under way."""
        ...

    async def withdraw(self, refund: Refund) -> bool:
        """It has moved nothing and never will: its payment can be refunded anew. False when it is not under way."""
        ...


class Refunder(Protocol):
    """Makes refunds on one chain, and looks after them. Each method raises `RailUnavailable` and `LedgerUnavailable`
    when chain or store do not answer."""

    async def highest_cost(self, sender: str, token: str, recipient: str, amount: int) -> int:
        """What a refund costs at most, in the chain's smallest unit, if the sender can pay it now. Sends nothing.

        Raises:
            RefundRefused: it cannot, or the token would not be moved.
        """
        ...

    async def make(self, key: str, payment_id: str, token: str, recipient: str, amount: int) -> Refund:
        """Sign and record a refund with a private key (hex); `pursue` sends it.

        Raises:
            RefundRefused: as `highest_cost`; or the payment has a refund, or is not settled and final any more.
        """
        ...

    async def pursue(self, refund: Refund) -> Standing:
        """Look where a recorded refund stands, send it where it is in no block, and write down what is certain.

        Raises:
            RefundRefused: the node does not take it; it stays recorded.
        """
        ...

    async def give_up(self, refund: Refund, replaced_by: str) -> None:
        """Withdraw a refund whose nonce another transaction of its sender has taken, finally.

        Raises:
            RefundRefused: the chain does not prove that.
        """
        ...


@asynccontextmanager
async def open_refunder(section: RailSection, store: Refunds) -> AsyncIterator[Refunder]:
    """What makes refunds on a rail's chain."""
    from payments.evm.refunding import ChainRefunder  # noqa: PLC0415  # loads an HTTP client
    from payments.evm.rpc import RpcClient  # noqa: PLC0415  # the same

    rpc = RpcClient(section.rpc_urls(), chain_id=section.chain_id, timeout_s=_RPC_TIMEOUT_S)
    try:
        yield ChainRefunder(
            rpc,
            store,
            chain_id=section.chain_id,
            final_after=section.finality_blocks,
            has_gas_coin=section.gas_coin is not None,
        )
    finally:
        await rpc.aclose()
