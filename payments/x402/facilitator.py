"""The port that verifies and settles: our own key (local_facilitator.py) or a service (http_facilitator.py)."""

from dataclasses import dataclass
from typing import Protocol

from x402.schemas import PaymentPayload, PaymentRequirements

from errors import PaymentRejected
from payments.evm.question import JsonRpc
from payments.rail import Hold


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    """What a facilitator says about one call of `settle`. It decides nothing: the chain does (confirmation.py).

    Attributes:
        transaction: the hash that it names, 0x-hex in lower case, whether that succeeded or not.
        refusal: its definite "no"; None when it said "yes", or nothing that can be read as an answer.
        is_confirmed: our own node has shown us that `transaction` paid.
        is_unclear: it gave no clear answer, and the same call may be made again.
    """

    transaction: str | None = None
    refusal: PaymentRejected | None = None
    is_confirmed: bool = False
    is_unclear: bool = False


@dataclass(frozen=True, slots=True)
class InFlight:
    """A transaction of ours for a payment may still get into a block."""


@dataclass(frozen=True, slots=True)
class FinalAt:
    """No transaction of ours for a payment is in flight any more, as this block shows; 0 when there never was one."""

    block: int


class Facilitator(Protocol):
    """Verifies and settles payments. Speaks v2 only: a v1 payment carries the same authorization.

    Every method is bounded in time, and raises the named errors only.
    """

    is_service: bool
    """Whether somebody else sends the transactions: then only the chain shows what is in flight, and the same
    authorization may be sent again until it is in a block."""

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Return when the payment could settle now. Moves no money.

        Raises:
            PaymentRejected: a definite "no" about this payment.
            RailUnavailable: anything else.
        """
        ...

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        """Move the money of the payment `reference`; whatever it answers, the chain must be asked afterwards.

        A facilitator that sends by itself does not begin to when `hold` is over or lost.
        """
        ...

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        """Whether a transaction for a payment is still in flight, by what this node says.

        Raises:
            RailUnavailable, LedgerUnavailable: the outcome cannot be determined.
        """
        ...

    async def sent(self, reference: str, transaction: str) -> bool | None:
        """Whether a transaction that is on the chain was sent for this payment of this ledger; None: unknown.

        Raises:
            RailUnavailable, LedgerUnavailable: no response.
        """
        ...

    async def health(self) -> str | None:
        """None when it can settle, else one public sentence."""
        ...

    async def aclose(self) -> None:
        """Cancel the calls in progress, and close the connections."""
        ...
