"""What the service tells its operator: metrics, stage timings and the logger. Never headers, keys or URLs of chains."""

import json
import logging
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("clearcanvas_requests_total", "Answers by route and status", ["route", "method", "status"])
STAGE_SECONDS = Histogram(
    "clearcanvas_stage_seconds",
    "Wall time of each stage of a paid request",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PAYMENTS = Counter("clearcanvas_payments_total", "Payments by rail and what became of them", ["rail", "outcome"])
RAIL_UP = Gauge("clearcanvas_rail_up", "1 while the rail can take payments", ["rail"], multiprocess_mode="livemin")
SETTLEMENTS_AFFORDABLE = Gauge(
    "clearcanvas_settlements_affordable",
    "Settlements that the x402 settlement key's gas still pays for",
    multiprocess_mode="livemostrecent",
)
IN_FLIGHT = Gauge(
    "clearcanvas_images_in_flight", "Images queued or at work in the API workers", multiprocess_mode="livesum"
)
BATCH_SIZE = Histogram("clearcanvas_batch_size", "Images per inference call", ["model"], buckets=(1, 2, 4, 8, 16, 32))
INFERENCE_SECONDS = Histogram(
    "clearcanvas_inference_seconds",
    "Wall time of one inference call in the runner",
    ["model"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

_timings: ContextVar[dict[str, float] | None] = ContextVar("timings", default=None)


@contextmanager
def timings() -> Iterator[dict[str, float]]:
    """Collect the stages of one request: name → seconds, in the order in which they ended."""
    collected: dict[str, float] = {}
    token = _timings.set(collected)
    try:
        yield collected
    finally:
        _timings.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time one stage into the histogram and into the request's timings, if one is being collected."""
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - start
        STAGE_SECONDS.labels(name).observe(seconds)
        record(name, seconds)


def record(name: str, seconds: float) -> None:
    """Add seconds to one stage of the request at hand."""
    collected = _timings.get()
    if collected is not None:
        collected[name] = collected.get(name, 0.0) + seconds


def server_timing(collected: dict[str, float]) -> str:
    """The `Server-Timing` value (W3C Server Timing): `decode;dur=12.3, infer;dur=45.6` in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in collected.items())


OUR_LOGGERS = ("api", "imaging", "payments", "pipeline", "runners", "service", "storage")
"""Loggers carry the names of modules, so these are the rooms; libraries are heard from WARNING on."""


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """One JSON object per line on stderr, for our loggers and everybody else's.

    Args:
        level: of our own loggers: debug, info or warning.
        secrets: strings that are struck out wherever they turn up, foreign tracebacks included.
    """
    first: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
        _Redaction(secrets),
    ]
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=first, processors=last))
    _own_all_loggers(handler, level.upper())


def _own_all_loggers(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in ("bentoml", "uvicorn", "uvicorn.error"):
        server = logging.getLogger(name)
        server.handlers, server.propagate = [], True
    for name in ("bentoml.access", "uvicorn.access"):
        # Their lines hold paths and addresses of clients; api/access_log.py writes one without.
        logging.getLogger(name).disabled = True


class _Redaction:
    """Last processor: strikes the operator's secrets out of a finished line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        plain = set(secrets)
        every = plain | {json.dumps(each)[1:-1] for each in plain} | {quote(each, safe="") for each in plain}
        longest_first = sorted(every - {""}, key=len, reverse=True)
        # Hex digits come back in either case.
        self._secrets = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def __call__(self, logger: object, method: str, line: object) -> str:
        return self._secrets.sub("[secret]", str(line))
