"""All settings: those of the whole service, and the sections that the packages define for themselves.

docs/configuration.md contains the sentences below and those of the sections.
"""

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, PositiveInt, create_model

from api import ConnectionLimits, FetchConfig, RateLimitConfig, UploadLimits
from payments import RAILS, RailInfo, RailSection, ReceiptConfig
from runners import ModelSpec, RunnerConfig
from settings_types import CidrBlock, CommaSeparated, Contact, DatabaseUrl, JsonValue, Price, Section, Url, required
from tracing import TracesConfig

S = TypeVar("S", bound=RailSection)


class Settings(Section):
    """Everything an operator can set."""

    profile: Literal["sandbox", "testnet", "mainnet"] = "sandbox"
    """The set of defaults."""
    public_url: Url = "http://127.0.0.1:3000"
    """Public origin of the service; if it is not set, with the port on which it serves."""
    contact: Contact | None = None
    """Contact of the operator for buyers and researchers: a `mailto:`, `https:` or `tel:` URI, for security.txt and
    OpenAPI."""
    price_usd: Price = Decimal("0.05")
    """Price per image in US dollars; a model may override it."""
    previous_prices: Annotated[tuple[ModelSpec, ...], CommaSeparated] = ()
    """Prices before the last change, `NAME=PRICE` for each model whose price has changed: quotes at them are still
    paid. Remove them when no quote is left."""
    workers: PositiveInt = 1
    """API worker processes."""
    database_url: DatabaseUrl | None = None
    """The ledger: a SQLite file on a volume for one machine, `postgresql://…` for several; see docs/ledger.md."""
    trusted_proxies: Annotated[tuple[CidrBlock, ...], CommaSeparated] = ()
    """Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted."""
    metrics_networks: Annotated[tuple[CidrBlock, ...], CommaSeparated] = (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
    """Addresses or networks whose clients may read `/metrics`; others get 404."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Separate port for `/metrics`, on every address of the host; the public port then has no such path."""
    rail_hosts: Annotated[dict[str, tuple[str, ...]], JsonValue] = Field(default_factory=dict)
    """Host names that quote only some rails: `{"x402.example.com": ["x402"]}`."""
    denied_payers: Path | None = None
    """File with the addresses of payers who are refused, one per line, notes after #; it is read again when it
    changes."""
    recent_results_mb: int = Field(default=64, ge=0)
    """Megabytes of finished images that one API worker keeps in memory for re-sent payments."""
    isolate_decoders: bool = True
    """Whether uploads are decoded in separate processes without keys, files and network; on Linux only."""
    log_level: Literal["debug", "info", "warning"] = "info"
    """Log level."""

    connections: ConnectionLimits = ConnectionLimits()
    upload: UploadLimits = UploadLimits()
    fetch: FetchConfig = FetchConfig()
    rate_limit: RateLimitConfig = RateLimitConfig()
    runner: RunnerConfig = RunnerConfig()
    receipts: ReceiptConfig = ReceiptConfig()
    traces: TracesConfig = TracesConfig()

    known_rails: ClassVar[tuple[RailInfo[Any], ...]] = ()
    """The rails; each has a section under its own name, see `settings_with`."""

    def at_port(self, port: int | None) -> Self:
        """The settings of a process that serves on a port of this machine: `public_url` has it if that is not set."""
        if port is None or "public_url" in self.model_fields_set:
            return self
        return self.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})

    @property
    def is_real(self) -> bool:
        """Whether the money is real."""
        return self.profile == "mainnet"

    def rails(self) -> tuple[tuple[RailInfo[Any], RailSection], ...]:
        """Every rail with its section, in the order of the quote."""
        return tuple((info, getattr(self, info.name)) for info in self.known_rails)

    def enabled_rails(self) -> tuple[tuple[RailInfo[Any], RailSection], ...]:
        """The enabled rails with their sections."""
        return tuple((info, section) for info, section in self.rails() if section.enabled)

    def rail(self, kind: type[S]) -> S:
        """The section of one rail, by its class."""
        return next(section for _, section in self.rails() if isinstance(section, kind))

    def model_prices(self) -> dict[str, Decimal]:
        """The served models with their price per image in US dollars, the default first."""
        more = {each.name: self.price_usd if each.usd is None else each.usd for each in self.runner.more_models}
        return {self.runner.model: self.price_usd, **more}

    def previous_model_prices(self) -> dict[str, Decimal]:
        """The former prices of models, in US dollars, at which an image is still sold."""
        return {each.name: each.usd for each in self.previous_prices if each.usd is not None}

    def ledger_url(self) -> str:
        """`database_url`; `config.rules` has checked that it is set."""
        return required(self.database_url, "database_url").get_secret_value()


@cache
def settings_with(rails: tuple[RailInfo[Any], ...] = RAILS) -> type[Settings]:
    """The settings with a section for each of the rails."""
    sections: dict[str, Any] = {rail.name: (rail.section, rail.section()) for rail in rails}
    model = create_model("Settings", __base__=Settings, **sections)
    model.known_rails = rails
    return model
