"""Every setting with its type, its range and its meaning. The sentences below stand in docs/configuration.md too."""

import re
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, SecretStr

from config.types import (
    Address,
    ApiKeySecret,
    CidrBlock,
    CommaSeparated,
    Contact,
    DatabaseUrl,
    IpAddress,
    JsonValue,
    ModelSpec,
    Price,
    PrivateKeyHex,
    RedisUrl,
    Secret32,
    SecretUrl,
    Url,
    Whole,
)

RailName = Literal["x402", "mpp"]


class Section(BaseModel):
    """One table of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


class UploadSettings(Section):
    """Limits on what may be sent."""

    max_bytes: PositiveInt = 25_000_000
    """Bytes of one picture."""
    max_side: PositiveInt = 10_000
    """Pixels per side of one picture."""
    max_bytes_in_flight: PositiveInt = 500_000_000
    """Bytes of all pictures that one API worker holds at a time, sent and made; more are answered 503. A quarter is
    kept for payers who have paid here within the last hour."""
    max_bytes_per_address: PositiveInt = 125_000_000
    """The same for the requests of one address (IPv6: /64); more are answered 429."""
    receive_timeout_s: PositiveFloat = 60.0
    """Seconds within which a picture has to arrive."""
    pace_bytes_s: PositiveInt = 8_000
    """Bytes per second that must arrive of it, on average over each window."""
    pace_window_s: PositiveFloat = 10.0
    """Seconds of that window."""


class ConnectionSettings(Section):
    """Limits on the connections of clients."""

    total: PositiveInt = 1000
    """Connections of one API worker; where there are more, the one that has been idle longest is closed. Lower where
    the limit on open files is."""
    per_address: PositiveInt = 100
    """The same of one address (IPv6: per /64); trusted proxies have no such limit."""
    requests_per_s: PositiveFloat = 50.0
    """Requests a second that one address may begin, four times as many at once; further ones wait. Trusted proxies have
    no such limit."""
    head_timeout_s: PositiveFloat = 10.0
    """Seconds to complete the header fields of a request, from the connection or from the last answer."""
    discard_timeout_s: PositiveFloat = 60.0
    """Seconds for the rest of a body that has been answered already."""
    pace_bytes_s: PositiveInt = 8_000
    """Bytes per second that a client must read of an answer, or send of a body, on average over each window."""
    pace_window_s: PositiveFloat = 10.0
    """Seconds of that window."""


class RateLimitSettings(Section):
    """The limit on answers that earn nothing."""

    unpaid_per_minute: PositiveInt = 30
    """Unpaid answers per minute and address (IPv6: per /64); more are answered 429. A payer may have as many payments
    that buy nothing, an address four times as many."""
    redis_url: RedisUrl | None = None
    """Redis to count them in; without it they are counted in the ledger's database."""


class RunnerSettings(Section):
    """The matting runner: which model and backend, and how much may wait for it."""

    model: str = "clearcanvas-matte-4"
    """Name of a manifest in models/ or in the folder of pulled models: the default."""
    more_models: Annotated[tuple[ModelSpec, ...], CommaSeparated] = ()
    """Further models to serve, for `?model=NAME`: names, or `NAME=PRICE` in US dollars where the price differs."""
    models_folder: Path = Path("state/models")
    """Folder of models that `python -m modelkit` pulled or added."""
    backend: Literal["auto", "tensorrt", "cuda", "openvino", "cpu"] = "auto"
    """What runs the network: `auto` takes the first of `tensorrt`, `cuda` and `cpu` that proves itself; with one that
    is named the service does not start where that one cannot run."""
    precision: Literal["auto", "fp32"] = "auto"
    """Precision of the network on ONNX Runtime and OpenVINO: `auto` takes a model's fp16 file on a GPU and its int8
    file on a CPU with VNNI, where it has one that is near enough to fp32 when the service starts; `fp32` no other."""
    engines_folder: Path = Path("state/engines")
    """Folder in which TensorRT's engines are kept; best on a volume, for building them takes minutes."""
    threads: PositiveInt = 1
    """CPU threads of one inference."""
    max_batch_size: Literal["auto"] | PositiveInt = "auto"
    """Pictures per inference call at most; `auto`: 1 on a CPU, measured on a GPU."""
    max_wait_s: PositiveFloat = 10.0
    """The longest expected wait, in seconds, with which a picture is taken in; more are answered 503 before their
    payment is touched."""
    timeout_s: PositiveFloat = 30.0
    """Seconds after which an inference counts as failed."""
    max_megapixels_in_flight: PositiveFloat = 250.0
    """Megapixels at work in one API worker, weighted by the memory that they take; more wait."""
    addresses: Annotated[tuple[Url, ...], CommaSeparated] = ()
    """Runners on other hosts, `http://host:port`; a name with several addresses is as many runners. Without any, the
    service starts a runner of its own."""
    token: Secret32 | None = None
    """Secret that API and runners on different hosts share: `openssl rand -base64 32`."""
    host: IpAddress = "127.0.0.1"
    """IP address on which a runner on a host of its own listens."""
    port: Annotated[int, Field(gt=0, lt=65536)] = 3100
    """Its port."""


class X402Settings(Section):
    """The x402 rail: USDC on Base, settled by an HTTP facilitator, or by our own settlement key where one is given."""

    enabled: bool = True
    """Whether the rail is offered."""
    chain_id: Annotated[Literal[8453, 84532], Whole] = 84532
    """8453 is Base, 84532 is Base Sepolia."""
    rpc_url: SecretUrl | None = None
    """JSON-RPC endpoint of the chain."""
    fallback_rpc_url: SecretUrl | None = None
    """A second endpoint, asked when the first gives no answer, and as a second witness of each payment's end."""
    asset: Address = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
    """The token that is taken."""
    pay_to: Address | None = None
    """The address that is paid."""
    facilitator_url: Url | None = None
    """HTTP facilitator that verifies and settles."""
    facilitator_token: SecretStr | None = None
    """Bearer token for the facilitator, where it wants one."""
    facilitator_key_id: str | None = None
    """Name or id of the CDP API key that signs each call to the facilitator, where that wants signed calls."""
    facilitator_key_secret: ApiKeySecret | None = None
    """Secret of that key: the Base64 of an Ed25519 key, or an EC P-256 key in PEM with its line ends as `\\n`."""
    settlement_key: PrivateKeyHex | None = None
    """Private key that settles on the chain itself, without a facilitator; its account pays the gas."""
    bump_after_s: PositiveFloat = 15.0
    """Seconds after which a transaction of the settlement key that is in no block yet is sent with higher fees."""
    eth_usd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] = Decimal(4000)
    """Price of one ETH in US dollars, with which the settlement key's gas is reckoned; rather too high than too low."""
    max_fee_share: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)] = Decimal("0.5")
    """What settling may cost, as a share of the payment, for the work to begin; what has been worked for is settled up
    to the whole payment."""
    max_fee_gwei: PositiveFloat = 1.0
    """Fee per gas in gwei above which the settlement key sends nothing, whatever a payment brings; a settlement takes
    about 80,000 gas."""
    max_timeout_seconds: PositiveInt = 120
    """Validity asked of a payment, in seconds."""
    verify_timeout_s: PositiveFloat = 8.0
    """Seconds to wait for a verification."""
    settle_timeout_s: PositiveFloat = 30.0
    """Seconds to wait for a settlement before it counts as unknown."""
    finality_blocks: PositiveInt = 64
    """Blocks on top of a settlement from which on it is final; until then it is looked at again."""


class MppSettings(Section):
    """The MPP rail: dollar tokens on Tempo, pull mode."""

    enabled: bool = True
    """Whether the rail is offered."""
    chain_id: Annotated[Literal[4217, 42431], Whole] = 42431
    """4217 is Tempo, 42431 is Tempo Moderato."""
    rpc_url: SecretUrl | None = None
    """JSON-RPC endpoint of the chain."""
    fallback_rpc_url: SecretUrl | None = None
    """A second endpoint, asked when the first one gives no answer."""
    currencies: Annotated[tuple[Address, ...], CommaSeparated, Field(min_length=1)] = (
        "0x20c0000000000000000000000000000000000000",
    )
    """The tokens that are accepted, in the order in which they are offered: TIP-20 dollars of 6 decimals, pathUSD and
    (on mainnet) USDC.e."""
    recipient: Address | None = None
    """The address that is paid."""
    realm: str | None = None
    """Realm of the challenges on every host. Where it is not given: a host of `rail_hosts` is its own realm, every
    other one has the host of `public_url`."""
    secret_key: Secret32 | None = None
    """Secret that challenges are signed with, the same on all machines: `openssl rand -base64 32`."""
    previous_secret_key: Secret32 | None = None
    """The secret before the last change; challenges signed with it are still honoured."""
    challenge_seconds: PositiveInt = 300
    """Seconds for which a quote holds."""
    work_margin_s: PositiveFloat = 8.0
    """Seconds that a payment must still be valid before the work begins."""
    broadcast_margin_s: PositiveFloat = 4.0
    """Seconds that a payment must still be valid before it is broadcast."""
    confirmation_timeout_s: PositiveFloat = 4.0
    """Seconds to wait for the confirmation of a broadcast before it is repeated."""
    finality_blocks: PositiveInt = 16
    """Blocks on top of a settlement from which on it is final; until then it is looked at again."""


class Settings(Section):
    """Everything an operator can set."""

    profile: Literal["sandbox", "testnet", "mainnet"] = "sandbox"
    """Which set of defaults applies."""
    public_url: Url = "http://127.0.0.1:3000"
    """Origin under which buyers reach the service."""
    contact: Contact | None = None
    """Where buyers and researchers reach the operator: a `mailto:`, `https:` or `tel:` URI, for security.txt and
    OpenAPI."""
    price_usd: Price = Decimal("0.05")
    """Price per picture in US dollars; a model may override it."""
    workers: PositiveInt = 1
    """API worker processes."""
    database_url: DatabaseUrl | None = None
    """The ledger: a SQLite file on a volume for one machine, `postgresql://…` for several; see docs/ledger.md."""
    trusted_proxies: Annotated[tuple[CidrBlock, ...], CommaSeparated] = ()
    """Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    metrics_networks: Annotated[tuple[CidrBlock, ...], CommaSeparated] = (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
    """Addresses or networks whose clients may read `/metrics`; to others there is no such path."""
    rail_hosts: Annotated[dict[str, tuple[RailName, ...]], JsonValue] = Field(default_factory=dict)
    """Host names that quote only some rails: `{"x402.example.com": ["x402"]}`."""
    recent_results_mb: int = Field(default=64, ge=0)
    """Megabytes of finished pictures that one API worker keeps in memory for re-sent payments."""
    isolate_decoders: bool = True
    """Whether uploads are decoded in processes of their own, without keys, files and network; on Linux only."""
    log_level: Literal["debug", "info", "warning"] = "info"
    """How much is logged."""

    connections: ConnectionSettings = ConnectionSettings()
    upload: UploadSettings = UploadSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    runner: RunnerSettings = RunnerSettings()
    x402: X402Settings = X402Settings()
    mpp: MppSettings = MppSettings()

    def model_prices(self) -> dict[str, Decimal]:
        """The models that are served with the price of a picture in US dollars, the default first."""
        more = {each.name: self.price_usd if each.usd is None else each.usd for each in self.runner.more_models}
        return {self.runner.model: self.price_usd, **more}

    def ledger_url(self) -> str:
        """`database_url`, which `config.rules` has found there."""
        if self.database_url is None:
            raise ValueError("database_url is missing")
        return self.database_url.get_secret_value()

    def secrets(self) -> Iterator[str]:
        """Every text that may be in no log: the secrets, and the parts of URLs that libraries and nodes quote."""
        for section in (self, self.rate_limit, self.runner, self.x402, self.mpp):
            for name, value in section:
                if isinstance(value, SecretStr):
                    yield from _secret_parts(value.get_secret_value())
                elif name == "facilitator_url" and value is not None:
                    yield from _parts_of_url(value)


_URL = re.compile(r"[a-z0-9+.-]+://((?P<user>.*)@)?[^/?#]*(?P<path>[^?#]*)([?](?P<query>.*))?", re.IGNORECASE)
"""Any text at all can be a secret, so nothing in here may fail; `urlsplit` does for some, and quotes them."""


def _secret_parts(secret: str) -> Iterator[str]:
    yield secret.removeprefix("0x")
    if "PRIVATE KEY" in secret:  # in PEM each line is a piece of it
        lines = secret.replace("\\n", "\n").splitlines()
        yield from (line for line in lines if len(line) >= 16 and not line.startswith("-----"))
    yield from _parts_of_url(secret)


def _parts_of_url(url: str) -> Iterator[str]:
    parts = _URL.match(url)
    if parts is None or url.startswith("sqlite"):
        return
    user, path, query = (parts[name] or "" for name in ("user", "path", "query"))
    name, _, password = user.partition(":")
    if not url.startswith(("http", "ws")):
        name = ""  # of a database; there it says who, not that he may
    # Shorter ones are no keys, and striking them out would spoil every line.
    yield from _spelt(8, query, name, password, *(value for _, value in parse_qsl(query)))
    yield from _spelt(16, path, *path.split("/"), b64encode(unquote(user).encode()).decode().rstrip("="))


def _spelt(at_least: int, *parts: str) -> Iterator[str]:
    """Those parts that are long enough, as they stand in the URL and as they are meant."""
    yield from {each for part in parts for each in (part, unquote(part)) if len(each) >= at_least}
