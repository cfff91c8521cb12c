"""The short form of `make siege`: all attacks at once, and a buyer beside them."""

import asyncio
from contextlib import AsyncExitStack

import httpx

from tests.buying import photograph
from tests.running_service import RunningService
from tests.siege.attacks import ATTACKS, under
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
