"""The description of a rail, without its SDK: everything that is needed to configure, build and document it.

A rail is a folder in `payments/` with such a description, and a line in `payments/rails.py`. No other code names it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import PositiveInt

from payments.diagnosis import Finding
from payments.money import Price
from payments.outbox import Outbox
from payments.rail import Rail
from settings_types import Fault, SecretUrl, Section, required

Json = dict[str, Any]


class Network(NamedTuple):
    """A chain: its name, whether its tokens have real value, and the URL prefix of its block explorer."""

    name: str
    is_real: bool
    explorer: str | None = None
    """The hash of a transaction is appended."""


class PaymentInfo(NamedTuple):
    """A rail's part of OpenAPI's `x-payment-info`: its protocols and offers."""

    protocols: list[Json]
    offers: list[Json]


class RailSection(Section, ABC):
    """The settings that every rail has."""

    enabled: bool = True
    """Whether the rail is offered."""
    chain_id: int
    """EIP-155 id of the chain."""
    rpc_url: SecretUrl | None = None
    """JSON-RPC endpoint of the chain."""

    fallback_rpc_url: SecretUrl | None = None
    """A second endpoint, used if the first does not respond."""
    finality_blocks: PositiveInt = 64
    """Blocks on top of a settlement that make it final; until then it is rechecked."""

    @property
    def gas_coin(self) -> str | None:
        """The chain's own coin, in which gas is paid; None where it is paid in a token."""
        return "ETH"

    @property
    def service_accounts(self) -> tuple[str, ...]:
        """Accounts whose transactions the service itself numbers: nobody else may send with their keys."""
        return ()

    def rpc_urls(self) -> tuple[str, ...]:
        """The endpoints of the chain, the preferred one first. Raises ValueError if there is none."""
        urls = (required(self.rpc_url, "rpc_url"), self.fallback_rpc_url)
        return tuple(url.get_secret_value() for url in urls if url)

    @property
    @abstractmethod
    def tokens(self) -> tuple[str, ...]:
        """Addresses of the accepted tokens, in the order of the offers."""

    @property
    @abstractmethod
    def quote_seconds(self) -> int:
        """Seconds for which a quote can be paid."""

    def faults(self) -> Iterator[Fault]:
        """Faults that prevent the enabled rail from selling."""
        yield from ()

    def faults_with_real_money(self) -> Iterator[Fault]:
        """Further faults on a network with real money."""
        yield from ()


S = TypeVar("S", bound=RailSection)


@dataclass(frozen=True, slots=True)
class RailDependencies:
    """What a rail may need in addition to its settings.

    Attributes:
        lock: creates the lock with a name; one process holds it at a time, among all that share the ledger.
        outbox: records transactions of our own keys before they are sent.
        ledger_id: identity of the ledger.
        host: name of the service's public host.
        hosts: further host names on which this rail is quoted.
        highest_price: the highest price of all models.
    """

    lock: Callable[[str], AbstractAsyncContextManager[object]]
    outbox: Outbox
    ledger_id: str
    host: str
    hosts: tuple[str, ...]
    highest_price: Price


async def _nothing_found(section: Any, needs: RailDependencies) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class RailInfo(Generic[S]):
    """The description of one rail.

    Attributes:
        name: its name in settings, ledger and paths.
        label: its name in sentences.
        section: its settings and their rules.
        presets: profile → defaults by field name that differ from those of `section`.
        networks: chain id → network, for every id that `section` accepts.
        token_names: lower-case address → name of well-known tokens.
        asset_evidence: key of the token's address in `Payment.evidence`.
        payment_headers: name → description of the request headers that contain a payment.
        quote_headers, receipt_headers: name → description of its response headers of the status 402 and 200.
        quote_members: JSON schema (`description`, `properties`) of its members in the body of the 402.
        payment_info: returns its part of `x-payment-info` for tokens and a price.
        documents: returns further public JSON documents by path, from the paid URLs.
        pages: folder of its texts: `llms.txt`, `guide_en.html`, `guide_de.html` and `commands.html`, which define the
            macros that `api/pages/` calls.
        programs: the guide's programs `python`, `node` and, if curl needs one, `signer`: paths below `examples/`.
        has_browser_wallets: whether a browser wallet can sign its payments.
        test_wallet_calls_node: whether the sandbox's wallet on the page `/try` calls the rail's node from the browser.
        build: creates the rail; only this and `diagnose` load its SDK.
        diagnose: checks its chain, accounts and settlement for the operator, in addition to `Rail.health`.
    """

    name: str
    label: str
    section: type[S]
    presets: Mapping[str, Mapping[str, Any]]
    networks: Mapping[int, Network]
    token_names: Mapping[str, str]
    payment_headers: Mapping[str, str]
    quote_headers: Mapping[str, str]
    receipt_headers: Mapping[str, str]
    quote_members: Json
    payment_info: Callable[[Sequence[str], Price], PaymentInfo]
    pages: Path
    build: Callable[[S, RailDependencies], Rail]
    has_browser_wallets: bool = False
    test_wallet_calls_node: bool = False
    diagnose: Callable[[S, RailDependencies], Awaitable[Sequence[Finding]]] = _nothing_found
    asset_evidence: str = "asset"
    programs: Mapping[str, str] = field(default_factory=dict)
    documents: Callable[[Sequence[str]], Mapping[str, Json]] = lambda urls: {}

    @property
    def response_headers(self) -> tuple[str, ...]:
        """All its response headers; a web page may read them (CORS)."""
        return tuple({**self.quote_headers, **self.receipt_headers})

    def token_name(self, address: str) -> str:
        """The name of a token; the address of an unknown token."""
        return self.token_names.get(address.lower(), address)
