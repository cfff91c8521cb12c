"""Pictures as headless Chromium shows them: the independent decoder, colours and all."""

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np

from imaging import Pixels

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)
PATIENCE_S = 60.0
"""For one picture."""

_PAGE = b"""<!doctype html><script>
(async () => {
  const names = await (await fetch("/names")).json();
  for (const at of names.keys()) {
    const image = new Image();
    image.src = "/file/" + at;
    let answer = new Uint8Array();
    try {
      await image.decode();
      const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      answer = context.getImageData(0, 0, canvas.width, canvas.height).data;
    } catch (error) { console.log(error); }
    await fetch(`/shown/${image.naturalWidth}/${image.naturalHeight}`, {method: "POST", body: answer});
  }
})();
</script>"""


def find_browser() -> str | None:
    """Its path, where there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def shown(files: Sequence[Path], browser: str) -> Iterator[Pixels | None]:
    """Each file in turn: uint8 [H,W,4] with straight alpha, in sRGB; None where the browser shows nothing.

    Raises:
        TimeoutError: the browser has stopped to answer.
    """
    answers: SimpleQueue[Pixels | None] = SimpleQueue()
    with _served(files, answers) as url, _opened(browser, url):
        for file in files:
            try:
                yield answers.get(timeout=PATIENCE_S)
            except Empty as error:
                raise TimeoutError(f"{browser} does not answer for {file}") from error


@contextmanager
def _opened(browser: str, url: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def _served(files: Sequence[Path], answers: "SimpleQueue[Pixels | None]") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, kind, *rest = self.path.split("/")
            if kind == "file":
                self._answer(files[int(rest[0])].read_bytes(), "image/*")
            elif kind == "names":
                self._answer(json.dumps([file.name for file in files]).encode(), "application/json")
            else:
                self._answer(_PAGE, "text/html")

        def do_POST(self) -> None:
            width, height = map(int, self.path.split("/")[2:])
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answers.put(np.frombuffer(body, np.uint8).reshape(height, width, 4) if body else None)
            self._answer(b"", "text/plain")

        def _answer(self, body: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
