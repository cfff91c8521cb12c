"""Metrics and stage timings."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

import psutil
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from tracing import span
from version import VERSION

REQUESTS = Counter("clearcanvas_requests_total", "Responses by route and status", ["route", "method", "status"])
ANSWER_SECONDS = Histogram(
    "clearcanvas_answer_seconds",
    "Time until the end of the response; rail is `none` without a readable payment",
    ["route", "rail", "status"],
    buckets=(0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
CONNECTIONS_CLOSED = Counter(
    "clearcanvas_connections_closed_total",
    "Connections that were closed because of limits or lack of progress",
    ["reason"],
)
STAGE_SECONDS = Histogram(
    "clearcanvas_stage_seconds",
    "Wall time of each stage of a paid request",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PAYMENTS = Counter("clearcanvas_payments_total", "Payments by rail and outcome", ["rail", "outcome"])
REVENUE = Counter(
    "clearcanvas_revenue_base_units_total",
    "Settled amounts in the coin's base units; coin is the address of the token",
    ["rail", "coin"],
)
RECHECKS = Counter(
    "clearcanvas_rechecks_total",
    "Rechecks of settlements until they are final, by the chain's answer",
    ["rail", "said"],
)
PART_UP = Gauge(
    "clearcanvas_part_up",
    "1 if a part of the service was healthy at the last request of `/readyz`",
    ["part"],
    multiprocess_mode="livemostrecent",
)
LEDGER_PAYMENTS = Gauge(
    "clearcanvas_ledger_payments",
    "Payments in the ledger by state: claimed, settling, in_doubt, not_final; the same from every worker",
    ["state"],
    multiprocess_mode="livemostrecent",
)
LEDGER_OLDEST_SECONDS = Gauge(
    "clearcanvas_ledger_oldest_seconds",
    "Age of the oldest payment in a state, since its settlement began (not_final: since it settled); 0 without any",
    ["state"],
    multiprocess_mode="livemostrecent",
)
RAIL_UP = Gauge("clearcanvas_rail_up", "1 while the rail can accept payments", ["rail"], multiprocess_mode="livemin")
SETTLEMENTS_AFFORDABLE = Gauge(
    "clearcanvas_settlements_affordable",
    "Settlements that the x402 settlement key's gas can pay for",
    multiprocess_mode="livemostrecent",
)
SETTLEMENT_COST_SHARE = Gauge(
    "clearcanvas_settlement_cost_share",
    "Present cost of an x402 settlement with our own key, as a share of the highest price",
    multiprocess_mode="livemostrecent",
)
IN_FLIGHT = Gauge(
    "clearcanvas_images_in_flight", "Images queued or in progress in the API workers", multiprocess_mode="livesum"
)
BACKEND = Gauge(
    "clearcanvas_backend_info",
    "1 for the backend that runs a model, 0 for an earlier one",
    ["model", "backend"],
    multiprocess_mode="livemostrecent",
)
BATCH_SIZE = Histogram("clearcanvas_batch_size", "Images per inference call", ["model"], buckets=(1, 2, 4, 8, 16, 32))
INFERENCE_SECONDS = Histogram(
    "clearcanvas_inference_seconds",
    "Wall time of one inference call in the runner",
    ["model"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RUNNER_WAITING = Gauge(
    "clearcanvas_runner_waiting", "Images queued in the runner", ["model"], multiprocess_mode="livemostrecent"
)
RUNNER_WAIT_SECONDS = Gauge(
    "clearcanvas_runner_wait_seconds",
    "Time until the inference of an image submitted now would start",
    ["model"],
    multiprocess_mode="livemostrecent",
)

BUILD = Gauge("clearcanvas_build_info", "1 for the running version", ["version"], multiprocess_mode="livemax")
BUILD.labels(VERSION).set(1)

_timings: ContextVar[dict[str, float] | None] = ContextVar("timings", default=None)


@contextmanager
def timings() -> Iterator[dict[str, float]]:
    """Collect the stages of one request: name → seconds, in the order of their ends."""
    collected: dict[str, float] = {}
    token = _timings.set(collected)
    try:
        yield collected
    finally:
        _timings.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Record the time of one stage in the histogram, in the request's timings, if they are collected, and as a span."""
    start = time.perf_counter()
    try:
        with span(name):
            yield
    finally:
        seconds = time.perf_counter() - start
        STAGE_SECONDS.labels(name).observe(seconds)
        record(name, seconds)


def exposition(counts: Path | None = None) -> tuple[bytes, str]:
    """The metrics of this process, or of all processes that share a folder: text and content type.

    Reading many workers' files is slow: call it in a thread.

    Args:
        counts: the folder; None: `PROMETHEUS_MULTIPROC_DIR`, or this process alone without that variable.
    """
    registry = REGISTRY
    # prometheus_client reads this variable on import to decide where it stores the values.
    shared = counts or os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if shared:
        registry = CollectorRegistry()
        _remove_ended_workers(Path(shared))
        MultiProcessCollector(registry, str(shared))  # type: ignore[no-untyped-call]  # untyped in the library
    return generate_latest(registry), CONTENT_TYPE_LATEST


def may_read(client: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether a client's address is in one of the networks that may read the metrics."""
    try:
        address = ip_address(client)
    except ValueError:
        return False
    return any(address in each for each in networks)


def _remove_ended_workers(counts: Path) -> None:
    """Remove the gauges of ended workers, which describe no present state."""
    for file in counts.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, str(counts))  # type: ignore[no-untyped-call]  # as above


def record(name: str, seconds: float) -> None:
    """Add seconds to one stage of the present request."""
    collected = _timings.get()
    if collected is not None:
        collected[name] = collected.get(name, 0.0) + seconds


def server_timing(collected: dict[str, float]) -> str:
    """The `Server-Timing` value (W3C Server Timing): `decode;dur=12.3, infer;dur=45.6` in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in collected.items())
