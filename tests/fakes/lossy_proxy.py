"""Loses the answer to a paid request, as a broken connection does, or as a client that does not wait long enough."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from tests.fakes.serving import TRUST

_PAID = ("x-payment", "payment-signature", "authorization")
_OWN = {"content-length", "connection", "transfer-encoding", "date", "server", "content-encoding"}


class LossyProxy(ThreadingHTTPServer):
    """Before the service at `upstream`.

    Args:
        lose: how many answers to paid requests never arrive. The service has sent them by then.
        after_s: seconds for which the client is left waiting before its connection is closed.

    Attributes:
        paid: statuses of the service's answers to paid requests, those that got lost included.
    """

    daemon_threads = True

    def __init__(self, upstream: str, *, lose: int = 1, after_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.paid: list[int] = []
        self._left = lose
        self._after_s = after_s

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def loses(self, status: int) -> bool:
        """Whether the answer to a paid request is lost; returns after the client has waited."""
        self.paid.append(status)
        if self._left <= 0:
            return False
        self._left -= 1
        time.sleep(self._after_s)
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LossyProxy

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in _OWN]
        with httpx.Client(timeout=120, trust_env=False, verify=TRUST) as client:
            answer = client.post(self.server.upstream + self.path, headers=headers, content=body)
        paid = any(name in self.headers for name in _PAID)
        if paid and self.server.loses(answer.status_code):
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def losing_answers(upstream: str, *, lose: int = 1, after_s: float = 0.0) -> Iterator[LossyProxy]:
    """The proxy in a thread, until the block ends."""
    with LossyProxy(upstream, lose=lose, after_s=after_s) as proxy:
        thread = Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join(timeout=10)
