"""The port of the outbox: every transaction of a settlement key, written down before it is sent.

It stands outside of the rail's folder, whose import loads web3: what only stores or migrates need not.
"""

from dataclasses import dataclass, field
from typing import Protocol

from payments.rail import Hold


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that a node may have.

    Attributes:
        chain_id, sender, nonce: what the chain takes once; `sender` is a checksummed address.
        reference: id of the payment that it settles.
        hash, raw: of the latest form, 0x-hex and as it is sent.
        to, data: the call, 0x-hex; a replacement makes the same. A cancellation goes to the sender itself, without
            data, and keeps the data of the call whose nonce it takes: the chain may have taken that one.
        max_fee, max_tip: wei per gas.
        attempt: how often it was sent at most, from 1; counted before each sending.
        sent_at: unix seconds of the latest one.
    """

    chain_id: int
    sender: str
    nonce: int
    reference: str
    hash: str
    raw: bytes = field(repr=False)
    to: str
    data: str = field(repr=False)
    max_fee: int
    max_tip: int
    attempt: int
    sent_at: float

    @property
    def is_cancellation(self) -> bool:
        """Whether its latest form only takes the nonce."""
        return self.to == self.sender


class Outbox(Protocol):
    """Records of transactions, shared by all processes. Each change is one atomic statement.

    Every method raises `LedgerUnavailable` when the store does not answer.
    """

    async def record(self, sent: Sent, hold: Hold) -> bool:
        """Write a new transaction down; False, and nothing is written, when its nonce has a record already, when the
        hold is over by the store's own clock, or when its holder is not settling the payment any more."""
        ...

    async def renew(self, old: Sent, new: Sent) -> bool:
        """Put another attempt in place of `old`; False when that is not the latest one any more."""
        ...

    async def withdraw(self, sent: Sent) -> bool:
        """Forget a transaction that is nowhere; False when `sent` is not the latest attempt any more."""
        ...

    async def of(self, reference: str) -> list[Sent]:
        """The transactions of a payment."""
        ...

    async def senders(self, chain_id: int) -> list[str]:
        """Whose transactions are recorded."""
        ...

    async def since(self, chain_id: int, sender: str, nonce: int) -> list[Sent]:
        """A sender's transactions from this nonce on, in their order."""
        ...

    async def forget(self, chain_id: int, sender: str, *, below: int) -> None:
        """Delete a sender's transactions below this nonce: they are in blocks, or others are in their place. Those of a
        payment in doubt are kept: they tell whose transaction it was that the chain will show."""
        ...
