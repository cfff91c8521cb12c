"""`GET /metrics`: Prometheus text, over all worker processes where there are several."""

import os
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.requests import Request
from starlette.responses import Response


def metrics(_: Request) -> Response:
    """What this process counted, or all processes that share `PROMETHEUS_MULTIPROC_DIR`.

    Starlette runs it in a thread: reading the files of many workers takes a while.
    """
    registry = REGISTRY
    # prometheus_client itself decides by this variable, when it is imported, where the counts are kept.
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        _forget_the_dead(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it without types
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _forget_the_dead(counts: Path) -> None:
    """Gauges say how things are now, so those of a worker that was killed must not be added up any more."""
    for file in counts.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            mark_process_dead(pid)  # type: ignore[no-untyped-call]  # as above
