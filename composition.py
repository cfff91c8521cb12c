"""The composition root: settings → storage → rails → gate → pipeline → application. Packages receive only values."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, cast

import structlog
from limits.aio.storage import RedisStorage, Storage
from starlette.applications import Starlette

from api import Money, OfferedRail, PricedModel, PriceList, SandboxWallet
from api.app import Check, Fetcher, RateLimits, create_app
from concurrency import in_background
from config import Settings
from cpu_quota import available_cpus
from cut_out import CutOut, max_concurrency
from errors import LedgerUnavailable
from imaging import decode
from imaging.isolated.pool import IS_POSSIBLE, DecoderPool
from memory import keep_giving_back
from models import ModelManifest
from payments import (
    DenyList,
    Gate,
    Price,
    RailMonitor,
    ReceiptSigner,
    Resolver,
    ResultCache,
    keep_counting,
    keep_monitoring,
    keep_rechecking,
    receipt_signer,
)
from pipeline import MattingModel
from rail_composition import build_rails
from runners.client import RunnerClient
from settings_types import reveal
from storage import Database, SqlLedger, SqlRateLimits, SqlSettled, SqlStates

if TYPE_CHECKING:  # a service without Redis does not load its client
    from limits.aio.storage.redis.redispy import RedispyBridge
    from redis.asyncio import Redis

log = structlog.get_logger(__name__)

Models = Sequence[tuple[ModelManifest, RunnerClient]]
"""What is served, in the order of `Settings.model_prices`."""


@asynccontextmanager
async def compose(
    settings: Settings, models: Models, sandbox_wallet: SandboxWallet | None = None
) -> AsyncIterator[Starlette]:
    """All parts of one API worker. It closes what it opens, in reverse order: first the background tasks, then the
    gate, which waits for the sales in progress, then the parts that they need.

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
        rails = build_rails(settings, database, ledger_id)
        for rail in rails:
            stack.push_async_callback(rail.aclose)
        counters = await stack.enter_async_context(_counters(settings, database))
        cut_out = stack.enter_context(_cut_out(settings, models, decoders))
        watch = RailMonitor(rails)
        signer = _signer(settings)
        gate = Gate(
            rails,
            ledger,
            hosts=settings.rail_hosts,
            recent=ResultCache(settings.recent_results_mb * 1_000_000),
            outage=watch.outage,
            signer=signer,
            denied=DenyList(settings.denied_payers),
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
                models=_priced_models(settings, models),
                public_url=settings.public_url,
                rails=offered_rails(settings),
                hosts=settings.rail_hosts,
                contact=settings.contact,
                key_set=signer.key_set if signer else None,
            ),
            upload_limits=settings.upload,
            fetcher=stack.enter_context(Fetcher(settings.fetch)),
            rate_limits=RateLimits(counters, settings.rate_limit),
            checks={
                **_runner_checks(models),
                **({"decoders": decoders.health} if decoders else {}),
                "ledger": ledger.ping,
            },
            backends=lambda: {manifest.name: client.description() for manifest, client in models},
            trusted_proxies=settings.trusted_proxies,
            metrics_networks=None if settings.metrics_port else settings.metrics_networks,
            sandbox_wallet=sandbox_wallet,
        )
        app.state.gate = gate  # for the shutdown
        yield app


async def _identity(database: Database) -> str:
    """The ledger's identity, as soon as the database answers: a worker that ended meanwhile might not be replaced."""
    while True:
        try:
            return await database.identify()
        except LedgerUnavailable as error:
            log.warning("ledger_open_failed", place=database.place, fault=error.detail)
            await asyncio.sleep(1)


def offered_rails(settings: Settings) -> tuple[OfferedRail, ...]:
    """The enabled rails as the documents describe them."""
    money: Money = "real" if settings.profile == "mainnet" else settings.profile
    return tuple(OfferedRail.of(info, section, money) for info, section in settings.enabled_rails())


def _signer(settings: Settings) -> ReceiptSigner | None:
    """The signer of receipts; None without a key."""
    signer = receipt_signer(settings.receipts, settings.public_url)
    if signer is None:
        log.warning(
            "receipts_not_signed",
            reason="CLEARCANVAS_RECEIPTS__SIGNING_KEY is not set",
            effect="buyers get the receipts of their rails only; there is no /v1/receipts",
        )
    return signer


def _priced_models(settings: Settings, models: Models) -> tuple[PricedModel, ...]:
    prices, previous = settings.model_prices(), settings.previous_model_prices()
    return tuple(
        PricedModel(
            name=manifest.name,
            label=manifest.label,
            price=Price(prices[manifest.name]),
            size=manifest.input.size,
            licence=manifest.licence,
            sha256=manifest.sha256,
            previous_price=Price(previous[manifest.name]) if manifest.name in previous else None,
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
        close_ups=manifest.close_ups,
        backend=client.backend,
    )


def _threads(settings: Settings) -> int:
    """The number of concurrent CPU stages in each API worker."""
    return max(1, available_cpus() // settings.workers)


def _decoders(settings: Settings) -> DecoderPool | None:
    if settings.isolate_decoders and IS_POSSIBLE:
        return DecoderPool(max_concurrency(_threads(settings)))
    log.warning(
        "decoders_not_isolated",
        reason="switched off" if IS_POSSIBLE else "not possible on this system",
        effect="a file that harms a codec harms the process that holds the keys",
    )
    return None


def _cut_out(settings: Settings, models: Models, decoders: DecoderPool | None) -> CutOut:
    return CutOut(
        {manifest.name: _network(manifest, client) for manifest, client in models},
        max_megapixels=settings.runner.max_megapixels_in_flight,
        max_wait_s=settings.runner.max_wait_s,
        decode=decoders.decode if decoders else decode,
        threads=_threads(settings),
    )


@asynccontextmanager
async def _counters(settings: Settings, database: Database) -> AsyncIterator[Storage]:
    """The store that counts unpaid answers."""
    redis_url = reveal(settings.rate_limit.redis_url)
    if redis_url is None:
        yield SqlRateLimits(database)
        return
    redis = RedisStorage(f"async+{redis_url}", implementation="redispy")
    try:
        yield redis
    finally:  # `limits` opens the client, and has no method that closes it
        await cast("Redis", cast("RedispyBridge", redis.bridge).storage).aclose()
