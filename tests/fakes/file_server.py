"""An HTTP server with one file, that breaks off, forgets ranges or answers with a status when told to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class FileServer:
    """What is served, and what was asked for.

    Attributes:
        cuts: for the next answers, after how many bytes each breaks off.
        statuses: for the next answers, the status each has instead of the file.
        requests: the Range of each request, None where it had none.
    """

    content: bytes
    url: str = ""
    etag: str | None = '"first"'
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[str | None] = field(default_factory=list)

    def start(self, wanted: str | None, if_range: str | None) -> int:
        """The first byte to send."""
        if not wanted or not self.ranges or (if_range and if_range != self.etag):
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))


@contextmanager
def serve_file(content: bytes) -> Iterator[FileServer]:
    """The server on a free port of this machine, until the block is left."""
    served = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers["Range"]
            served.requests.append(wanted)
            self.close_connection = True
            if served.statuses:
                self._answer(served.statuses.pop(0), b"", {})
                return
            start = served.start(wanted, self.headers["If-Range"])
            total = len(served.content)
            if start and start >= total:
                self._answer(416, b"", {"Content-Range": f"bytes */{total}"})
            elif start:
                self._answer(206, served.content[start:], {"Content-Range": f"bytes {start}-{total - 1}/{total}"})
            else:
                self._answer(200, served.content, {})

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if served.etag:
                self.send_header("ETag", served.etag)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: served.cuts.pop(0)] if content and served.cuts else content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: `requests` tells it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/network.onnx"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
