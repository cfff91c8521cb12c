"""Who verifies and settles for us, as a port: our own key (local_facilitator.py) or a service (http_facilitator.py)."""

from typing import Protocol

from x402.schemas import PaymentPayload, PaymentRequirements


class Facilitator(Protocol):
    """Judges and moves payments. Speaks v2 only: a v1 payment carries the same authorization.

    Every method is bounded in time. Whatever else goes wrong comes as one of the named errors.
    """

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Come back when the payment could settle now. Moves nothing.

        Raises:
            PaymentRejected: a definite "no" about this payment.
            RailUnavailable: anything else.
        """
        ...

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, not_after: float
    ) -> str:
        """Move the money of the payment `reference`; gives the hash of the transaction that did, 0x-hex.

        Whoever sends by himself does not begin to after `not_after` (unix seconds).

        Raises:
            PaymentRejected: a definite "no", and no transaction for this payment is under way.
            PaymentOutcomeUnknown: anything else; ask the chain.
        """
        ...

    async def done_by(self, reference: str) -> int | None:
        """The number of a block by which no transaction for a payment is under way any more, 0 when there never was
        one; None while there may be one.

        Raises:
            RailUnavailable, LedgerUnavailable: nobody can tell.
        """
        ...

    async def health(self) -> str | None:
        """None when it can settle, else one public sentence."""
        ...

    async def aclose(self) -> None:
        """Give back connections and threads."""
        ...
