"""What is for sale, as one value that the order, the answers and the discovery documents share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from payments.money import Price

PATH = "/v1/remove-background"


@dataclass(frozen=True, slots=True)
class Offer:
    """One picture's worth of work, at one price.

    Attributes:
        public_url: origin under which buyers reach the service, without a trailing slash.
        model: name and short hash of the weights, the value of `X-Model`.
        tokens: rail name → address of the coin it takes, for the discovery documents.
    """

    price: Price
    public_url: str
    model: str
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Absolute public URL of the paid route."""
        return f"{self.public_url}{PATH}"
