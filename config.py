"""Settings: read once at start from the environment (`CLEARCANVAS_…`) and an optional TOML file, then plain values.

Nested names join with a double underscore: `CLEARCANVAS_X402__PAY_TO`. A TOML file named by `CLEARCANVAS_CONFIG` holds
the same names as tables (`[x402]` / `pay_to = "0x…"`); the environment wins over the file, both over the profile.
Only the composition root imports this module; the rooms take values.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

RailName = Literal["x402", "mpp"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UploadSettings(_Section):
    """Limits on what may be sent: bytes (25 MB, decimal) and pixels per side."""

    max_bytes: int = 25_000_000
    max_side: int = 10_000


class RateLimitSettings(_Section):
    """Unpaid answers per minute and address; counted in the ledger's store unless a Redis URL is given."""

    unpaid_per_minute: int = 30
    redis_url: SecretStr | None = None


class RunnerSettings(_Section):
    """The matting runner: which model and backend, and how much may wait for it.

    `backends` are tried in order and the first that proves itself is used.
    """

    model: str = "matting-v0"
    backends: Annotated[tuple[Literal["cuda", "cpu"], ...], NoDecode] = ("cuda", "cpu")
    threads: int = 1
    max_batch_size: int = 4
    timeout_s: float = 30.0
    max_queue: int = 32
    max_megapixels_in_flight: float = 250.0


class X402Settings(_Section):
    """The x402 rail. Settles by an HTTP facilitator, or by our own settlement key where one is given."""

    enabled: bool = True
    chain_id: int = 84532
    rpc_url: SecretStr | None = None
    fallback_rpc_url: SecretStr | None = None
    asset: str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
    pay_to: str | None = None
    facilitator_url: str | None = None
    settlement_key: SecretStr | None = None
    max_timeout_seconds: int = 120
    verify_timeout_s: float = 8.0
    settle_timeout_s: float = 30.0


class MppSettings(_Section):
    """The MPP rail: pathUSD on Tempo, pull mode."""

    enabled: bool = True
    chain_id: int = 42431
    rpc_url: SecretStr | None = None
    currency: str = "0x20c0000000000000000000000000000000000000"
    recipient: str | None = None
    realm: str | None = None
    secret_key: SecretStr | None = None
    previous_secret_key: SecretStr | None = None
    challenge_seconds: int = 300
    work_margin_s: float = 8.0
    broadcast_margin_s: float = 4.0
    confirmation_timeout_s: float = 10.0


class Settings(BaseSettings):
    """Everything an operator can set; docs/configuration.md explains each name."""

    model_config = SettingsConfigDict(
        env_prefix="CLEARCANVAS_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    profile: Literal["sandbox", "testnet", "mainnet"] = "sandbox"
    public_url: str = "http://127.0.0.1:3000"
    price_usd: Decimal = Decimal("0.05")
    workers: int = 1
    database_url: SecretStr = SecretStr("sqlite+aiosqlite:///state/ledger.sqlite3")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    rail_hosts: dict[str, tuple[RailName, ...]] = Field(default_factory=dict)
    recent_results_mb: int = 64

    upload: UploadSettings = UploadSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    runner: RunnerSettings = RunnerSettings()
    x402: X402Settings = X402Settings()
    mpp: MppSettings = MppSettings()
