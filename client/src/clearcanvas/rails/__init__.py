"""The payment rails. Each chooses an offer from a quote and signs it."""

from typing import Protocol

from clearcanvas.payment import Payment
from clearcanvas.quote import Offer, Quote


class Rail(Protocol):
    """A payment rail."""

    name: str
    quotes_last: bool
    """Whether one quote can be signed for many pictures."""

    def offer(self, quote: Quote) -> Offer | None:
        """The offer that this rail would pay; None if it can pay none of the quote."""

    async def sign(self, quote: Quote, offer: Offer, order: str) -> Payment:
        """Sign the offer. This moves no money; sending the returned payment does.

        Raises:
            CannotBuy, WalletProblem: it cannot be signed now, or not by this wallet.
        """
