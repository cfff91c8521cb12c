"""The port that verifies and settles: with our own key (local_facilitator.py) or a service (http_facilitator.py)."""

from dataclasses import dataclass
from typing import Protocol

from x402.schemas import PaymentPayload, PaymentRequirements

from errors import PaymentRejected
from payments.evm.question import JsonRpc
from payments.rail import Hold


@dataclass(frozen=True, slots=True)
class SettleAnswer:
    """A facilitator's answer to one call of `settle`. The chain decides, not this answer (confirmation.py).

    Attributes:
        transaction: the hash in the answer, 0x-hex in lower case, successful or not.
        refusal: a definite refusal; None for a success or without a readable answer.
        is_confirmed: our own node has shown that `transaction` paid.
        is_unclear: the answer was unclear, and the call may be repeated.
    """

    transaction: str | None = None
    refusal: PaymentRejected | None = None
    is_confirmed: bool = False
    is_unclear: bool = False


@dataclass(frozen=True, slots=True)
class InFlight:
    """A recorded transaction for a payment may still be mined."""


@dataclass(frozen=True, slots=True)
class FinalAt:
    """In this block, no recorded transaction for a payment is in flight any more; 0 if none was recorded."""

    block: int


class Facilitator(Protocol):
    """Verifies and settles payments. Uses v2 only: a v1 payment has the same authorization.

    Every method has a time limit, and raises only the errors listed.
    """

    is_service: bool
    """Whether a service sends the transactions: then only the chain shows whether one is in flight, and the same
    authorization may be sent again until it is in a block."""

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Check that the payment could settle now. Moves no money.

        Raises:
            PaymentRejected: a definite refusal of this payment.
            RailUnavailable: every other failure.
        """
        ...

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        """Settle the payment `reference`. After any answer, the chain must be asked.

        A facilitator with our own key sends nothing if `hold` has expired or was lost.
        """
        ...

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        """Whether a transaction for a payment is in flight, according to this node.

        Raises:
            RailUnavailable, LedgerUnavailable: the outcome cannot be determined.
        """
        ...

    async def sent(self, reference: str, transaction: str) -> bool | None:
        """Whether a transaction on the chain was sent by this ledger for this payment; None: unknown.

        Raises:
            RailUnavailable, LedgerUnavailable: no response.
        """
        ...

    async def health(self) -> str | None:
        """None if it can settle, else one public sentence."""
        ...

    async def aclose(self) -> None:
        """Cancel the calls in progress, and close the connections."""
        ...
