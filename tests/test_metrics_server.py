"""`/metrics` on a port of its own: the metrics of all processes of a service, for known networks, and nothing else."""

from pathlib import Path

import httpx
import pytest

from metrics_server import serve_metrics
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import choose_port
from tests.buying import buy, photograph
from tests.running_service import WORKERS, run_service

LOOPBACK = ("127.0.0.0/8",)


def ask(port: int, path: str = "/metrics") -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False)


@pytest.mark.parametrize(("networks", "path"), [(("203.0.113.0/24",), "/metrics"), (LOOPBACK, "/"), (LOOPBACK, "/x")])
def test_strangers_and_other_paths_find_nothing(tmp_path: Path, networks: tuple[str, ...], path: str) -> None:
    assert ask(serve_metrics(0, networks, tmp_path, host="127.0.0.1"), path).status_code == 404


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    port = serve_metrics(0, LOOPBACK, tmp_path, host="127.0.0.1")
    with pytest.raises(OSError, match="in use"):
        serve_metrics(port, LOOPBACK, tmp_path, host="127.0.0.1")


async def test_the_service_tells_there_what_every_worker_has_counted(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    port = choose_port(0)
    settings = {"CLEARCANVAS_METRICS_PORT": str(port)}
    with run_service(base_chain, tempo_chain, tmp_path, settings) as service:
        sold = await buy(service, [photograph(quality) for quality in range(70, 74)])
        assert {answer.status_code for answer in sold} == {200}
        assert ask(int(service.url.rpartition(":")[2])).status_code == 404
        text = ask(port).raise_for_status().text
        assert 'clearcanvas_payments_total{outcome="settled",rail="x402"} 4.0' in text
        assert "clearcanvas_batch_size_count" in text, "the runner's"
        processes = {file.stem.rpartition("_")[2] for file in (tmp_path / "bentoml").rglob("gauge_livesum_*.db")}
        assert len(processes) == WORKERS + 1, "and the runner"
