"""`drain` on a whole service: it stops selling, finishes what it sells, and ends."""

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx

from sandbox.chains import BaseChain, TempoChain
from tests.buying import buy, photograph
from tests.fakes.serving import TRUST
from tests.ops.conftest import Operator
from tests.running_service import RunningService, run_service


async def test_a_service_ends_after_its_sales(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> None:
    with run_service(base_chain, tempo_chain, tmp_path, {"CLEARCANVAS_WORKERS": "1"}) as service:
        buying = asyncio.create_task(buy(service, [photograph(quality=91)]))
        await _settling(service)
        ran = await asyncio.to_thread(Operator({}).run, "drain", str(service.process.pid), "--yes")
        assert ran.exit_code == 0, ran.output
        assert "It has ended" in ran.stdout
        assert service.process.poll() is not None
        [answer] = await buying
        assert answer.status_code == 200, answer.text


async def _settling(service: RunningService) -> None:
    """Return when a picture is at work."""
    async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client, asyncio.timeout(60):
        while "clearcanvas_images_in_flight 1" not in (await client.get(f"{service.url}/metrics")).text:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


def test_only_a_service_is_stopped() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        ran = Operator({}).run("drain", str(other.pid), "--yes")
        assert ran.exit_code == 1
        assert "is not a service" in ran.stderr
        assert other.poll() is None
        other.kill()
