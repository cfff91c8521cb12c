"""The short form of `make siege`: all attacks at once, few descriptors, and a buyer."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buying import photograph
from tests.fakes.serving import TRUST
from tests.running_service import RunningService, run_service
from tests.siege.attacks import ATTACKS, running_attack
from tests.siege.buyer import Buyer
from tests.waiting import eventually

DESCRIPTORS = 256


async def all_attacks(url: str) -> None:
    """Run all attacks until cancelled."""
    await asyncio.gather(*(attack(url) for attack in ATTACKS.values()))


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="util-linux is not installed")
async def test_a_buyer_buys_during_all_attacks(base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path) -> None:
    """`make siege` measures latency. Here every purchase and health check succeeds while the few connections that the
    descriptors allow are in use."""
    settings = {"CLEARCANVAS_WORKERS": "1"}
    with run_service(base_chain, tempo_chain, tmp_path, settings, descriptors=DESCRIPTORS) as service:
        buyer = await asyncio.to_thread(
            Buyer.funded, service, httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST), 3
        )
        async with running_attack(all_attacks, service.url), buyer.client:
            assert await asyncio.to_thread(eventually, lambda: is_full(service), 60)
            for quality in (70, 71, 72):
                await buyer.buy(photograph(quality))
            assert (await buyer.client.get(f"{service.url}/healthz")).status_code == 200
    assert buyer.outcomes == {"sold": 3}


def is_full(service: RunningService) -> bool:
    """Whether the service has logged that all connections are in use."""
    return "connections_full" in service.log_path.read_text()
