"""`/metrics` on a separate port: a small HTTP server in the supervisor, which reads the counts of all processes.

It runs in the supervisor, the only process that exists once and as long as the service runs. The public port then has
no such path.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from telemetry import exposition, may_read

_TIMEOUT_S = 10.0
"""For a client that sends or reads nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = _TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a client chooses the path."""


def serve_metrics(port: int, networks: Sequence[str], counts: Path, *, host: str = "0.0.0.0") -> int:  # noqa: S104
    """Serve until this process ends, in a thread. Returns the port, a free one for 0.

    Args:
        networks: addresses or networks that may read it; others get 404.
        counts: metrics folder of the service's processes.

    Raises:
        OSError: the port is in use, or opening it is not permitted.
    """
    server = _Server((host, port), _Handler)
    server.set_app(_app([ip_network(each, strict=False) for each in networks], counts))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server.server_port


def _app(networks: Sequence[IPv4Network | IPv6Network], counts: Path) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        is_asked = environ["PATH_INFO"] == "/metrics" and environ["REQUEST_METHOD"] == "GET"
        if not (is_asked and may_read(environ["REMOTE_ADDR"], networks)):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Not found.\n"]
        text, content_type = exposition(counts)
        start_response("200 OK", [("Content-Type", content_type)])
        return [text]

    return app
