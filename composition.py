"""The composition root: settings → storage → rails → gate → pipeline → application. Rooms are given values only."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

import structlog
from limits.aio.storage import RedisStorage, Storage
from limits.aio.storage.redis.redispy import RedispyBridge
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette

from api.app import create_app
from api.health import Check
from api.pricing import OfferedRail, PricedModel, PriceList, Token
from api.rate_limit import RateLimits
from api.try_out.wallet import SandboxWallet
from api.upload import UploadLimits
from concurrency import in_background
from config import Settings
from config.networks import NETWORK_NAMES, TOKEN_NAMES
from config.settings import X402Settings
from cpu_quota import available_cpus
from cut_out import CutOut, at_a_time
from errors import LedgerUnavailable
from imaging import decode
from imaging.isolated.pool import IS_POSSIBLE, DecoderPool
from memory import keep_giving_back
from models.manifest import ModelManifest
from payments.finality import keep_rechecking
from payments.gate import Gate
from payments.ledger_watch import keep_counting
from payments.money import Price
from payments.monitor import RailMonitor, keep_monitoring
from payments.mpp import MppRail
from payments.rail import Rail
from payments.resolver import Resolver
from payments.result_cache import ResultCache
from payments.x402 import X402Rail
from payments.x402.facilitator_auth import BearerToken, CdpKey
from pipeline import MattingModel
from runners.client import RunnerClient
from storage import Database, SqlLedger, SqlLock, SqlOutbox, SqlRateLimits, SqlSettled, SqlStates

log = structlog.get_logger(__name__)

T = TypeVar("T")

Models = Sequence[tuple[ModelManifest, RunnerClient]]
"""What is served, in the order of `Settings.model_prices`."""


@asynccontextmanager
async def compose(
    settings: Settings, models: Models, sandbox_wallet: SandboxWallet | None = None
) -> AsyncIterator[Starlette]:
    """Everything one API worker is made of. Whatever is opened here is closed here, in the opposite order: first the
    background tasks, then the gate, which waits for the sales in progress, then what they need.

    Args:
        sandbox_wallet: pays on the page `/try`, in the sandbox only.
    """
    async with AsyncExitStack() as stack:
        decoders = _decoders(settings)
        if decoders:
            stack.enter_context(decoders)
        database = await stack.enter_async_context(Database(settings.ledger_url()))
        ledger_id = await _identity(database)
        log.info("ledger_opened", ledger=ledger_id, dialect=database.dialect, place=database.place)
        ledger = SqlLedger(database)
        rails = _rails(settings, SqlLock(database, "x402 settlement"), SqlOutbox(database), ledger_id)
        for rail in rails:
            stack.push_async_callback(rail.aclose)
        counters = await stack.enter_async_context(_counters(settings, database))
        cut_out = stack.enter_context(_cut_out(settings, models, decoders))
        watch = RailMonitor(rails)
        gate = Gate(
            rails,
            ledger,
            hosts=settings.rail_hosts,
            recent=ResultCache(settings.recent_results_mb * 1_000_000),
            outage=watch.outage,
        )
        stack.push_async_callback(gate.aclose)
        await stack.enter_async_context(in_background(Resolver(gate.rails, ledger).keep_resolving()))
        await stack.enter_async_context(in_background(keep_giving_back(lambda: cut_out.made)))
        await stack.enter_async_context(in_background(keep_monitoring(watch)))
        await stack.enter_async_context(in_background(keep_rechecking(gate.rails, SqlSettled(database))))
        await stack.enter_async_context(in_background(keep_counting(SqlStates(database))))
        await watch.first_look()
        app = create_app(
            gate=gate,
            watch=watch,
            cut_out=cut_out,
            offer=PriceList(
                models=_sold(settings, models),
                public_url=settings.public_url,
                rails=offered_rails(settings),
                hosts=settings.rail_hosts,
                contact=settings.contact,
            ),
            upload_limits=UploadLimits(**dict(settings.upload)),
            rate_limits=RateLimits(counters, settings.rate_limit.unpaid_per_minute),
            checks={
                **_runner_checks(models),
                **({"decoders": decoders.health} if decoders else {}),
                "ledger": ledger.ping,
            },
            backends=lambda: {manifest.name: client.described() for manifest, client in models},
            trusted_proxies=settings.trusted_proxies,
            metrics_networks=settings.metrics_networks,
            sandbox_wallet=sandbox_wallet,
        )
        app.state.gate = gate  # for whoever stops the service
        yield app


async def _identity(database: Database) -> str:
    """The ledger's identity, as soon as the database answers: a worker that ended meanwhile might not be replaced."""
    while True:
        try:
            return await database.identify()
        except LedgerUnavailable as error:
            log.warning("ledger_not_opened", place=database.place, fault=error.detail)
            await asyncio.sleep(1)


def _rails(settings: Settings, lock: SqlLock, outbox: SqlOutbox, ledger_id: str) -> tuple[Rail, ...]:
    """The enabled rails, in the order in which they are quoted."""
    build: dict[str, Callable[[], Rail]] = {
        "x402": lambda: _x402(settings.x402, lock, outbox, max(settings.model_prices().values())),
        "mpp": lambda: _mpp(settings, ledger_id),
    }
    return tuple(make() for name, make in build.items() if getattr(settings, name).enabled)


def _x402(x402: X402Settings, lock: SqlLock, outbox: SqlOutbox, highest_price: Decimal) -> X402Rail:
    return X402Rail(
        chain_id=x402.chain_id,
        asset=x402.asset,
        pay_to=_there(x402.pay_to),
        rpc_url=_there(_plain(x402.rpc_url)),
        settlement_key=_plain(x402.settlement_key),
        lock=lock,
        outbox=outbox,
        bump_after_s=x402.bump_after_s,
        eth_usd=x402.eth_usd,
        max_fee_share=x402.max_fee_share,
        max_fee_gwei=x402.max_fee_gwei,
        highest_price=Price(highest_price),
        facilitator_url=None if x402.settlement_key else x402.facilitator_url,
        facilitator_auth=_facilitator_auth(x402),
        fallback_rpc_url=_plain(x402.fallback_rpc_url),
        max_timeout_seconds=x402.max_timeout_seconds,
        verify_timeout_s=x402.verify_timeout_s,
        settle_timeout_s=x402.settle_timeout_s,
        finality_blocks=x402.finality_blocks,
    )


def _facilitator_auth(x402: X402Settings) -> BearerToken | CdpKey | None:
    if x402.facilitator_token:
        return BearerToken(x402.facilitator_token.get_secret_value())
    if x402.facilitator_key_id and x402.facilitator_key_secret and x402.facilitator_url:
        secret = x402.facilitator_key_secret.get_secret_value()
        return CdpKey(x402.facilitator_key_id, secret, url=x402.facilitator_url)
    return None


def _mpp(settings: Settings, ledger_id: str) -> MppRail:
    mpp = settings.mpp
    return MppRail(
        realm=mpp.realm or _there(urlsplit(settings.public_url).hostname),
        realms=() if mpp.realm else tuple(host for host, rails in settings.rail_hosts.items() if "mpp" in rails),
        secret=_there(_plain(mpp.secret_key)),
        previous_secret=_plain(mpp.previous_secret_key),
        ledger_id=ledger_id,
        recipient=_there(mpp.recipient),
        currencies=mpp.currencies,
        chain_id=mpp.chain_id,
        rpc_url=_there(_plain(mpp.rpc_url)),
        fallback_rpc_url=_plain(mpp.fallback_rpc_url),
        challenge_seconds=mpp.challenge_seconds,
        work_margin_s=mpp.work_margin_s,
        broadcast_margin_s=mpp.broadcast_margin_s,
        confirmation_timeout_s=mpp.confirmation_timeout_s,
        finality_blocks=mpp.finality_blocks,
    )


def offered_rails(settings: Settings) -> tuple[OfferedRail, ...]:
    """The enabled rails as the documents describe them."""
    x402, mpp = settings.x402, settings.mpp
    money: Literal["real", "testnet", "sandbox"] = "real" if settings.profile == "mainnet" else settings.profile

    def offered(
        name: Literal["x402", "mpp"], chain_id: int, tokens: tuple[str, ...], quote_seconds: int
    ) -> OfferedRail:
        named = tuple(Token(TOKEN_NAMES.get(each.lower(), each), each) for each in tokens)
        return OfferedRail(name, NETWORK_NAMES[chain_id], chain_id, named, money, quote_seconds)

    rails = (
        offered("x402", x402.chain_id, (x402.asset,), x402.max_timeout_seconds),
        offered("mpp", mpp.chain_id, mpp.currencies, mpp.challenge_seconds),
    )
    return tuple(each for each in rails if getattr(settings, each.name).enabled)


def _sold(settings: Settings, models: Models) -> tuple[PricedModel, ...]:
    prices = settings.model_prices()
    return tuple(
        PricedModel(
            name=manifest.name,
            label=manifest.label,
            price=Price(prices[manifest.name]),
            size=manifest.input.size,
            licence=manifest.licence,
        )
        for manifest, _ in models
    )


def _runner_checks(models: Models) -> dict[str, Check]:
    """`runner` for the default model, `runner NAME` for each further one."""
    return {
        f"runner {manifest.name}" if place else "runner": client.health
        for place, (manifest, client) in enumerate(models)
    }


def _network(manifest: ModelManifest, client: RunnerClient) -> MattingModel:
    return MattingModel(
        client.infer,
        manifest.input.size,
        client.fault,
        client.expected_wait,
        client.picture_s,
        darken_light=manifest.darken_light,
        backend=client.backend,
    )


def _threads(settings: Settings) -> int:
    """CPU stages of pictures at a time in each API worker."""
    return max(1, available_cpus() // settings.workers)


def _decoders(settings: Settings) -> DecoderPool | None:
    if settings.isolate_decoders and IS_POSSIBLE:
        return DecoderPool(at_a_time(_threads(settings)))
    log.warning(
        "decoders_not_isolated",
        reason="switched off" if IS_POSSIBLE else "not possible on this system",
        effect="a file that harms a codec harms the process that holds the keys",
    )
    return None


def _cut_out(settings: Settings, models: Models, decoders: DecoderPool | None) -> CutOut:
    return CutOut(
        {manifest.name: _network(manifest, client) for manifest, client in models},
        decode=decoders.decode if decoders else decode,
        threads=_threads(settings),
        max_megapixels=settings.runner.max_megapixels_in_flight,
        max_wait_s=settings.runner.max_wait_s,
    )


@asynccontextmanager
async def _counters(settings: Settings, database: Database) -> AsyncIterator[Storage]:
    """Where unpaid answers are counted."""
    redis_url = _plain(settings.rate_limit.redis_url)
    if redis_url is None:
        yield SqlRateLimits(database)
        return
    redis = RedisStorage(f"async+{redis_url}", implementation="redispy")
    try:
        yield redis
    finally:  # `limits` opens the client, and has no method that closes it
        await cast(Redis, cast(RedispyBridge, redis.bridge).storage).aclose()


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _there(value: T | None) -> T:
    """A setting that an enabled rail needs; config/rules.py has found it there."""
    if value is None:
        raise ValueError("a rail was enabled without its settings")
    return value
