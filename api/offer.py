"""What is for sale, as one value that the order, the answers and the discovery documents share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

from payments.money import Price

PATH = "/v1/remove-background"
MODELS_PATH = "/v1/models"


@dataclass(frozen=True, slots=True)
class SoldModel:
    """One model that cuts pictures out, and what one picture costs.

    Attributes:
        name: the value of `?model=`.
        label: name and short hash of the weights, the value of `X-Model`.
        size: pixels per side of its input.
        licence: of the weights, SPDX where there is one.
    """

    name: str
    label: str
    price: Price
    size: int
    licence: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One picture's worth of work, by each of the models at its price.

    Attributes:
        models: the first is the default.
        public_url: origin under which buyers reach the service, without a trailing slash.
        hosts: further host names under which some rails are sold, on the port of `public_url`.
        tokens: rail name → addresses of the tokens it accepts, in the order of the offers, for the discovery documents.
    """

    models: tuple[SoldModel, ...]
    public_url: str
    hosts: frozenset[str] = frozenset()
    tokens: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def default(self) -> SoldModel:
        """The model of a request that names none."""
        return self.models[0]

    @property
    def names(self) -> tuple[str, ...]:
        """What `?model=` may name."""
        return tuple(each.name for each in self.models)

    def model(self, name: str | None) -> SoldModel:
        """The model that a request asked for, by one of `names` or by none."""
        return self.default if name is None else self.models[self.names.index(name)]

    def url(self, parameters: Sequence[tuple[str, str]] = (), host: str | None = None) -> str:
        """Absolute public URL of the paid route, with what its query names.

        Args:
            host: the name that the buyer came by, used if it is one of `hosts`.
        """
        origin = self.public_url
        if host is not None and host in self.hosts:
            parts = urlsplit(self.public_url)
            origin = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
        return f"{origin}{PATH}" + (f"?{urlencode(parameters, quote_via=quote)}" if parameters else "")
