"""The port of the outbox: every transaction of a settlement key, recorded before it is sent.

It is not in the rail's folder, because importing that loads web3, which storage and migrations do not need.
"""

from dataclasses import dataclass, field
from typing import Protocol

from payments.rail import Hold


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that a node may have.

    Attributes:
        chain_id, sender, nonce: unique on the chain; `sender` is a checksummed address.
        reference: id of the payment that it settles.
        hash, raw: of the latest version, 0x-hex and as sent.
        to, data: the call, 0x-hex; a replacement makes the same call. A cancellation goes to the sender itself, without
            data, but keeps the data of the call that it replaces, because the chain may have included that call.
        max_fee, max_tip: wei per gas.
        attempt: number of attempts to send it, from 1; counted before each attempt.
        sent_at: unix seconds of the latest attempt.
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
        """Whether its latest version only uses up the nonce."""
        return self.to == self.sender


class Outbox(Protocol):
    """Records of transactions, shared by all processes. Each change is one atomic statement.

    Every method raises `LedgerUnavailable` if the store does not respond.
    """

    async def record(self, sent: Sent, hold: Hold) -> bool:
        """Record a new transaction. Returns False, and records nothing, if its nonce has a record already, if the hold
        has expired by the store's clock, or if its holder no longer settles the payment."""
        ...

    async def renew(self, old: Sent, new: Sent) -> bool:
        """Replace `old` by another attempt. Returns False if `old` is no longer the latest one."""
        ...

    async def withdraw(self, sent: Sent) -> bool:
        """Delete a transaction that no node has. Returns False if `sent` is no longer the latest attempt."""
        ...

    async def of(self, reference: str) -> list[Sent]:
        """The transactions of a payment."""
        ...

    async def senders(self, chain_id: int) -> list[str]:
        """The senders of the recorded transactions."""
        ...

    async def since(self, chain_id: int, sender: str, nonce: int) -> list[Sent]:
        """A sender's transactions from this nonce on, in order."""
        ...

    async def forget(self, chain_id: int, sender: str, *, below: int) -> None:
        """Delete a sender's transactions below this nonce: they or their replacements are in blocks. The transactions
        of a payment in doubt are kept: they show whether a transaction on the chain is ours."""
        ...
