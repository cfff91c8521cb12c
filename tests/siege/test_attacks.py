"""The short form of `make siege`: all attacks at once, and a buyer beside them."""

import asyncio
import shutil
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from sandbox.chains import BaseChain, TempoChain
from tests.buying import photograph
from tests.running_service import RunningService, run_service
from tests.siege.attacks import ATTACKS, silent_connections, under
from tests.siege.buyer import Buyer


async def test_whoever_attacks_a_buyer_buys(running_service: RunningService) -> None:
    """Latency is measured by `make siege`; here every purchase succeeds, and health answers."""
    async with AsyncExitStack() as stack, httpx.AsyncClient(timeout=60, trust_env=False) as client:
        buyer = await asyncio.to_thread(Buyer.funded, running_service, client, 3)
        for attack in ATTACKS.values():
            await stack.enter_async_context(under(attack, running_service.url))
        for quality in (70, 71, 72):
            await buyer.buy(photograph(quality))
        assert (await client.get(f"{running_service.url}/healthz")).status_code == 200
    assert buyer.heard == {"sold": 3}


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="util-linux is not installed")
async def test_a_buyer_buys_when_all_descriptors_could_be_taken(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    """256 descriptors, and 2,000 connections that say nothing."""
    few = {"CLEARCANVAS_WORKERS": "1"}
    with run_service(base_chain, tempo_chain, tmp_path, few, descriptors=256) as service:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client, under(silent_connections, service.url):
            buyer = await asyncio.to_thread(Buyer.funded, service, client, 2)
            for quality in (73, 74):
                await buyer.buy(photograph(quality))
            assert (await client.get(f"{service.url}/healthz")).status_code == 200
        assert buyer.heard == {"sold": 2}
        assert "connections_full" in service.log_path.read_text()
