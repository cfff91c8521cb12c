"""The application: its routes and the order of its middleware."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Lifespan
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.access_log import AccessLogMiddleware
from api.allowed_methods import AllowedMethodsMiddleware
from api.bought_format import BoughtFormatMiddleware
from api.config import UploadLimits
from api.cors import CorsMiddleware
from api.dialect import OWN, Dialect
from api.discovery import discovery_routes
from api.endpoints import RemoveBackgroundEndpoint
from api.fetching import Fetcher
from api.guides.pages import Rules
from api.health import Check, Readiness, alive
from api.json_answer import JsonAnswerMiddleware
from api.metrics import PRIVATE, Metrics
from api.payment_state import PaymentStateMiddleware
from api.pricing import PriceList
from api.problem_pages import problem_routes
from api.problems import ProblemMiddleware
from api.rate_limit import RateLimitMiddleware, RateLimits
from api.receipts import receipt_route
from api.remove_bg import RATE_LIMIT_HEADERS, REMOVE_BG, RemoveBgHeadersMiddleware, error_list
from api.request_id import RequestIdMiddleware
from api.room import Room
from api.server_timing import ServerTimingMiddleware
from api.try_out.wallet import SandboxWallet
from api.upload import UploadMiddleware
from cut_out import CutOut
from payments import RECEIPT_HEADERS, Gate, RailMonitor
from payments.middleware import PaymentMiddleware, is_readable, presented

__all__ = ["Check", "Fetcher", "RateLimits", "create_app"]

PUBLIC_HEADERS = (
    "Idempotent-Replayed",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "X-Foreground-Haze",
    "X-Foreground-Height",
    "X-Foreground-Left",
    "X-Foreground-Top",
    "X-Foreground-Width",
    "X-Backend",
    "X-Credits-Charged",
    "X-Height",
    "X-Model",
    *RECEIPT_HEADERS,
    *RATE_LIMIT_HEADERS,
    "X-Request-Id",
    "X-Service-Version",
    "X-Type",
    "X-Width",
)
"""Response headers that a web page may read, besides those of the rails. There are no cookies and no accounts, so every
origin has the same rights."""


def create_app(
    *,
    gate: Gate,
    watch: RailMonitor,
    cut_out: CutOut,
    offer: PriceList,
    upload_limits: UploadLimits,
    fetcher: Fetcher,
    rate_limits: RateLimits,
    checks: Mapping[str, Check],
    backends: Callable[[], Mapping[str, str]] = dict,
    trusted_proxies: Sequence[str] = (),
    metrics_networks: Sequence[str] | None = PRIVATE,
    sandbox_wallet: SandboxWallet | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """The HTTP application. The caller passes every part and closes it.

    Args:
        gate: sells.
        fetcher: fetches images by URL.
        watch: monitors the gate's rails, for `/readyz`.
        checks: further parts of `/readyz` by name: `{"runner": client.health, "ledger": ledger.ping}`.
        backends: the current backend of each model, for `/readyz`.
        trusted_proxies: addresses or networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
        metrics_networks: addresses or networks that may read `/metrics`; None if it has its own port.
        sandbox_wallet: pays on the page `/try`, in the sandbox only.
        lifespan: opens and closes the parts.
    """
    readiness = Readiness(checks, watch, backends, origin=offer.public_url)

    every_request = [
        Middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies)),
        Middleware(RequestIdMiddleware),
        Middleware(AccessLogMiddleware),
        Middleware(
            CorsMiddleware,
            origin=offer.public_url,
            allow_origins=["*"],
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[*PUBLIC_HEADERS, *(name for rail in offer.rails for name in rail.info.response_headers)],
        ),
        Middleware(
            ProblemMiddleware, origin=offer.public_url, payment_headers=offer.payment_headers, further=error_list
        ),
        Middleware(AllowedMethodsMiddleware),
    ]
    room = Room(upload_limits.max_bytes_in_flight, upload_limits.max_bytes_per_address)

    def paid(dialect: Dialect, *first: Middleware) -> Route:
        removal = RemoveBackgroundEndpoint(cut_out, offer, fetcher, dialect)
        paid_request = [
            *first,
            Middleware(JsonAnswerMiddleware),
            Middleware(ServerTimingMiddleware),
            Middleware(RateLimitMiddleware, limits=rate_limits, presented=partial(presented, gate)),
            Middleware(PaymentStateMiddleware, gate=gate),
            Middleware(
                UploadMiddleware,
                limits=upload_limits,
                models=offer.names,
                is_paid=lambda scope: is_readable(gate, scope),
                is_known=lambda scope: rate_limits.has_paid(presented(gate, scope)),
                room=room,
                dialect=dialect,
            ),
            Middleware(BoughtFormatMiddleware),
            Middleware(PaymentMiddleware, gate=gate, resource=removal),
        ]
        return Route(dialect.path, removal.remove_background, methods=["POST"], middleware=paid_request)

    routes = [
        paid(OWN),
        paid(REMOVE_BG, Middleware(RemoveBgHeadersMiddleware, limits=rate_limits)),
        Route("/healthz", alive),
        Route("/livez", alive),
        Route("/readyz", readiness.endpoint),
        *([] if metrics_networks is None else [Route("/metrics", Metrics(metrics_networks).endpoint)]),
        *discovery_routes(offer, Rules(upload_limits, rate_limits.unpaid.per_minute), sandbox_wallet),
        *problem_routes(),
        *([receipt_route(gate)] if offer.key_set else []),
    ]
    app = Starlette(
        routes=routes, middleware=every_request, exception_handlers={HTTPException: _to_middleware}, lifespan=lifespan
    )
    app.router.redirect_slashes = False
    app.state.readiness = readiness  # for the shutdown
    return app


async def _to_middleware(_: Request, error: Exception) -> Response:
    """Let 404 and 405 of the routes reach `every_request`; Starlette would answer them with a line of text."""
    raise error
