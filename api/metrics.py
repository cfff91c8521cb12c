"""`GET /metrics`: Prometheus text, over all worker processes where there are several."""

import os

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
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
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it without types
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
