"""The two ways to pay. Each names what it would pay of a quote, and signs it."""

from typing import Protocol

from clearcanvas.payment import Payment
from clearcanvas.quote import Offer, Quote


class Rail(Protocol):
    """One way to pay."""

    name: str
    quotes_last: bool
    """Whether one quote can be signed for many pictures."""

    def offer(self, quote: Quote) -> Offer | None:
        """What this rail would pay; None where the quote holds nothing that it pays."""

    async def sign(self, quote: Quote, offer: Offer, order: str) -> Payment:
        """Sign the offer. Moves no money; what is returned does, once it is sent.

        Raises:
            CannotBuy, WalletProblem: it cannot be signed now, or not by this wallet.
        """
