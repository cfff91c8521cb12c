"""A Redis that refuses every command and repeats it, the password of AUTH and HELLO included."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One command after the other: an array of bulk strings (RESP2), answered with an error of one line."""
        while head := self.rfile.readline():
            words = [self._word() for _ in range(int(head[1:]))]
            self.wfile.write(b"-ERR refused: " + b" ".join(words) + b"\r\n")

    def _word(self) -> bytes:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:length]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def talkative_redis() -> Iterator[str]:
    """Listen until the block ends; gives host and port."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
