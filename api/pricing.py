"""The price list: one value that the order, the responses and the discovery documents share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from payments import Price, RailInfo, RailSection, payment_headers

PATH = "/v1/remove-background"
MODELS_PATH = "/v1/models"
REMOVE_BG_PATH = "/v1.0/removebg"

Money = Literal["real", "testnet", "sandbox"]


@dataclass(frozen=True, slots=True)
class PricedModel:
    """A model and its price per picture.

    Attributes:
        name: the value of `?model=`.
        label: name and short hash of the weights, the value of `X-Model`.
        size: pixels per side of its input.
        licence: licence of the weights, an SPDX identifier if there is one.
        sha256: digest of the weights, hex.
        previous_price: price of quotes that may still be valid.
    """

    name: str
    label: str
    price: Price
    size: int
    licence: str
    sha256: str
    previous_price: Price | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token that a rail accepts: its name (`USDC`) and the address of its contract."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class OfferedRail:
    """A rail in the documents.

    Attributes:
        info: the rail's description.
        network: name of the chain (`Base Sepolia`); for a local chain, the name of the chain with its id.
        chain_id: its EIP-155 id.
        tokens: in the order of the offers.
        money: `real`; `testnet`, on a public test network; or `sandbox`, on a local chain.
        quote_seconds: validity of a quote.
        explorer: URL prefix of a transaction's page; None for a local chain.
    """

    info: RailInfo[Any]
    network: str
    chain_id: int
    tokens: tuple[Token, ...]
    money: Money
    quote_seconds: int
    explorer: str | None = None

    @classmethod
    def of(cls, info: RailInfo[Any], section: RailSection, money: Money) -> "OfferedRail":
        """A rail by its settings."""
        tokens = tuple(Token(info.token_name(each), each) for each in section.tokens)
        network = info.networks[section.chain_id]
        explorer = None if money == "sandbox" else network.explorer
        return cls(info, network.name, section.chain_id, tokens, money, section.quote_seconds, explorer)

    @property
    def name(self) -> str:
        """Its name in settings, ledger and paths."""
        return self.info.name

    @property
    def place(self) -> str:
        """The network in a sentence: `Base`, `Base Sepolia (a test network)`."""
        return {
            "real": self.network,
            "testnet": f"{self.network} (a test network)",
            "sandbox": f"a local test chain with the id of {self.network}",
        }[self.money]


@dataclass(frozen=True, slots=True)
class PriceList:
    """The models with their prices, and the rails.

    Attributes:
        models: the first is the default.
        public_url: public origin of the service, without a trailing slash.
        rails: the enabled rails, in the order of the quotes.
        hosts: host name → names of the rails that it offers, on the port of `public_url`; every other host offers all.
        contact: URI of the operator; None if it is not published.
        key_set: JSON Web Key Set of the signed receipts; None if the service signs none.
    """

    models: tuple[PricedModel, ...]
    public_url: str
    rails: tuple[OfferedRail, ...] = ()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    contact: str | None = None
    key_set: Mapping[str, object] | None = field(default=None, hash=False)

    @property
    def default(self) -> PricedModel:
        """The model of a request without `model`."""
        return self.models[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The values of `?model=`."""
        return tuple(each.name for each in self.models)

    def model(self, name: str | None) -> PricedModel:
        """The model with this name; the default for None."""
        return self.default if name is None else self.models[self.names.index(name)]

    @property
    def payment_headers(self) -> frozenset[str]:
        """The payment header fields of all rails, lower case, including disabled rails."""
        return payment_headers(rail.info for rail in self.rails)

    def url(self, parameters: Sequence[tuple[str, str]] = (), host: str | None = None, path: str = PATH) -> str:
        """Absolute public URL of a paid route with its query.

        Args:
            host: the host name of the request, used if it is one of `hosts`.
        """
        query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
        return f"{self._origin(host)}{path}{query}"

    def at(self, host: str | None) -> "PriceList":
        """The offer of a host: only its rails, under its own name if it is one of `hosts`."""
        if host is None or host not in self.hosts:
            return self
        rails = {each.name: each for each in self.rails}
        return replace(
            self, public_url=self._origin(host), rails=tuple(rails[name] for name in self.hosts[host] if name in rails)
        )

    def _origin(self, host: str | None) -> str:
        if host is None or host not in self.hosts:
            return self.public_url
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
