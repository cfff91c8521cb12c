"""`GET /metrics`: Prometheus text, summed over all worker processes."""

from collections.abc import Sequence
from ipaddress import ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telemetry import exposition, may_read

PRIVATE = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
"""Networks of monitoring systems: loopback and private ranges."""


class Metrics:
    """The endpoint for clients in the given networks; others get 404.

    Generating the text takes milliseconds, and it contains more than buyers need to know.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(each, strict=False) for each in networks]

    def endpoint(self, request: Request) -> Response:
        """`GET /metrics`. Starlette runs it in a thread, because reading the files of many workers takes time."""
        if not may_read(request.client.host if request.client else "", self._networks):
            raise HTTPException(404)
        return metrics()


def metrics() -> Response:
    """The metrics of this process, or of all processes that share `PROMETHEUS_MULTIPROC_DIR`."""
    text, content_type = exposition()
    return Response(text, headers={"Content-Type": content_type})
