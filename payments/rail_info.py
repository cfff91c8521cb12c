"""What a rail says of itself, without its SDK: all that others must know to configure, build and document it.

A rail is a folder in `payments/` with such a description, and a line in `payments/rails.py`. Nobody else names it.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from payments.diagnosis import Finding
from payments.money import Price
from payments.outbox import Outbox
from payments.rail import Rail
from settings_types import Fault, SecretUrl, Section, required

Json = dict[str, Any]


class Network(NamedTuple):
    """A chain: its name, whether its coins are worth something, and the URL at which a transaction is shown."""

    name: str
    is_real: bool
    explorer: str | None = None
    """The transaction's hash follows."""


class PaymentInfo(NamedTuple):
    """A rail's part of OpenAPI's `x-payment-info`: the protocols that it speaks, and what it offers by them."""

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
    """A second endpoint, asked when the first one gives no answer."""

    def rpc_urls(self) -> tuple[str, ...]:
        """The endpoints of the chain, the preferred one first. Raises ValueError where none is given."""
        urls = (required(self.rpc_url, "rpc_url"), self.fallback_rpc_url)
        return tuple(url.get_secret_value() for url in urls if url)

    @property
    @abstractmethod
    def tokens(self) -> tuple[str, ...]:
        """Addresses of the tokens that are accepted, in the order of the offers."""

    @property
    @abstractmethod
    def quote_seconds(self) -> int:
        """For how long a quote can be paid."""

    def faults(self) -> Iterator[Fault]:
        """What keeps the enabled rail from selling."""
        yield from ()

    def faults_with_real_money(self) -> Iterator[Fault]:
        """What must not be where coins are worth something, beside that."""
        yield from ()


S = TypeVar("S", bound=RailSection)


@dataclass(frozen=True, slots=True)
class RailDependencies:
    """What a rail may need beside its section.

    Attributes:
        lock: makes the lock of a name, which one process holds at a time, over all that share the ledger.
        outbox: where transactions of our own keys are written down before they are sent.
        ledger_id: identity of the ledger that the rail sells for.
        host: name of the service's public host.
        hosts: further host names, on which this rail is quoted.
        highest_price: of the dearest picture.
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
    """One rail, described.

    Attributes:
        name: how settings, ledger and paths name it.
        label: how sentences name it.
        section: its settings, with their rules.
        presets: profile → its defaults by field name, where they differ from the section's own.
        networks: chain id → network, for every id that the section accepts.
        token_names: lower-case address → name of the tokens that people know.
        asset_evidence: under which name `Payment.evidence` holds the token's address.
        payment_headers: name → meaning of the request's header fields in which a payment comes.
        quote_headers, receipt_headers: name → meaning of the header fields that it adds to the answers 402 and 200.
        quote_members: JSON schema of what it adds to the body of the 402; `description` and `properties`.
        payment_info: makes its part of `x-payment-info` for tokens and a price.
        documents: makes further public JSON documents by path, from the paid URLs.
        pages: folder of its texts: `llms.txt`, `guide_en.html`, `guide_de.html` and `commands.html`, which define the
            macros that `api/pages/` calls.
        programs: what the guide prints and serves: `python`, `node` and, if curl needs one, `signer`, each a path
            below `examples/`.
        has_browser_wallets: whether a wallet in a browser can sign its payments.
        test_wallet_calls_node: whether the sandbox's wallet on the page `/try` calls the rail's node from the browser.
        build: makes the rail; only this and `diagnose` load its SDK.
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
        """Every header field that it adds to an answer; what a web page may read."""
        return tuple({**self.quote_headers, **self.receipt_headers})

    def token_name(self, address: str) -> str:
        """The name of a token; an unknown token is named by its address."""
        return self.token_names.get(address.lower(), address)
