import os
import subprocess
import sys
from pathlib import Path

from tests.api.storefront import Storefront, open_storefront, picture
from version import VERSION

ROOT = Path(__file__).parents[2]

WORKER = """
from telemetry import IN_FLIGHT, PAYMENTS
IN_FLIGHT.inc()
PAYMENTS.labels("x", "settled").inc()
"""

READER = """
from api.metrics import metrics
print(metrics().body.decode())
"""


async def test_there_is_no_such_path_for_strangers(storefront: Storefront) -> None:
    assert (await storefront.client.get("/metrics")).status_code == 404


async def test_a_sale_is_counted_by_route_rail_and_stage(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, metrics_networks=("203.0.113.0/24",)) as storefront:
        await storefront.post(picture(), coin="coin-1")
        answer = await storefront.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    for line in (
        'clearcanvas_requests_total{method="POST",route="/v1/remove-background",status="200"}',
        'clearcanvas_payments_total{outcome="settled",rail="x"}',
        'clearcanvas_stage_seconds_count{stage="settle"}',
        f'clearcanvas_build_info{{version="{VERSION}"}} 1.0',
    ):
        assert line in answer.text


def test_workers_are_added_up(tmp_path: Path) -> None:
    """Each process writes its counts into the directory that the variable names; any of them shows the sum."""
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}

    def run(script: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout

    run(WORKER)
    run(WORKER)
    shown = run(READER)
    assert 'clearcanvas_payments_total{outcome="settled",rail="x"} 2.0' in shown
    assert f'clearcanvas_build_info{{version="{VERSION}"}} 1.0' in shown
    assert "clearcanvas_images_in_flight 2.0" not in shown, "workers that ended have nothing in flight"
