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

    async def settle(self, payload: PaymentPayload, requirements: PaymentRequirements) -> str:
        """Move the money; gives the hash of the transaction that did, 0x-hex.

        Raises:
            PaymentRejected: a definite "no", and no transaction of this call is under way.
            PaymentOutcomeUnknown: anything else; ask the chain.
        """
        ...

    async def idle(self) -> bool:
        """Whether it is known that no transaction of ours is under way; False when it cannot be known.

        Raises:
            RailUnavailable: the chain does not answer.
        """
        ...

    async def health(self) -> str | None:
        """None when it can settle, else one public sentence."""
        ...

    async def aclose(self) -> None:
        """Give back connections and threads."""
        ...
