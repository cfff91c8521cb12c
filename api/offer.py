"""What is for sale, as one value that the order, the answers and the discovery documents share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from payments.money import Price

PATH = "/v1/remove-background"


@dataclass(frozen=True, slots=True)
class Offer:
    """One picture's worth of work, at one price.

    Attributes:
        public_url: origin under which buyers reach the service, without a trailing slash.
        model: name and short hash of the weights, the value of `X-Model`.
        hosts: further host names under which some rails are sold, on the port of `public_url`.
        tokens: rail name → address of the coin it takes, for the discovery documents.
    """

    price: Price
    public_url: str
    model: str
    hosts: frozenset[str] = frozenset()
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Absolute public URL of the paid route."""
        return f"{self.public_url}{PATH}"

    def url_at(self, host: str | None) -> str:
        """The same under the host name that the buyer came by, if it is one of `hosts`."""
        if host is None or host not in self.hosts:
            return self.url
        origin = urlsplit(self.public_url)
        return f"{origin.scheme}://{host}{f':{origin.port}' if origin.port else ''}{PATH}"
