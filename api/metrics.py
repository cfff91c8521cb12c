"""`GET /metrics`: Prometheus text, over all worker processes where there are several."""

import os
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

import psutil
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""Where those that watch a service usually are."""


class Metrics:
    """The endpoint, for clients of some networks; to others there is no such path.

    Making the text costs milliseconds, and it says more than buyers need to know.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(each, strict=False) for each in networks]

    def endpoint(self, request: Request) -> Response:
        """`GET /metrics`. Starlette runs it in a thread: reading the files of many workers takes a while."""
        if not self._is_known(request.client.host if request.client else ""):
            raise HTTPException(404)
        return metrics()

    def _is_known(self, client: str) -> bool:
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in each for each in self._networks)


def metrics() -> Response:
    """What this process counted, or all processes that share `PROMETHEUS_MULTIPROC_DIR`."""
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
