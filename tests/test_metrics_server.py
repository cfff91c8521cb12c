"""`/metrics` on a port of its own: for known networks, and nothing else. tests/test_service.py has what it tells."""

from pathlib import Path

import httpx
import pytest

from metrics_server import serve_metrics
from tests.fakes.serving import TRUST

LOOPBACK = ("127.0.0.0/8",)


def ask(port: int, path: str = "/metrics") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, verify=TRUST)


@pytest.mark.parametrize(("networks", "path"), [(("203.0.113.0/24",), "/metrics"), (LOOPBACK, "/"), (LOOPBACK, "/x")])
def test_strangers_and_other_paths_find_nothing(tmp_path: Path, networks: tuple[str, ...], path: str) -> None:
    assert ask(serve_metrics(0, networks, tmp_path, host="127.0.0.1"), path).status_code == 404


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    port = serve_metrics(0, LOOPBACK, tmp_path, host="127.0.0.1")
    with pytest.raises(OSError, match="in use"):
        serve_metrics(port, LOOPBACK, tmp_path, host="127.0.0.1")
