"""Mutated files, paid for, into a service on loopback: real HTTP, application, ledger and pipeline; a scripted rail."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from limits.aio.storage import MemoryStorage

from api.config import RateLimitConfig
from api.pricing import PATH
from api.rate_limit import RateLimits
from imaging import ImageFormat
from tests.api.storefront import Storefront, open_storefront
from tests.fakes.serving import TRUST
from tests.fuzz.campaign import Found
from tests.fuzz.decoding import Fault
from tests.fuzz.mutations import Mutations

NO_LIMIT = 10**9


@asynccontextmanager
async def _served() -> AsyncIterator[tuple[Storefront, str]]:
    limits = RateLimits(MemoryStorage(), RateLimitConfig(unpaid_per_minute=NO_LIMIT))
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        async with open_storefront(Path(folder), rate_limits=limits) as storefront:
            server = uvicorn.Server(uvicorn.Config(storefront.app, log_config=None, lifespan="off"))
            serving = asyncio.create_task(server.serve([listening]))
            try:
                yield storefront, f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
            finally:
                server.should_exit = True
                await serving


async def post_all(seed: int, numbers: range) -> Found:
    """Each file once, with a payment of its own."""
    found, mutations = Found(), Mutations(seed)
    async with _served() as (storefront, url), httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        for number in numbers:
            name, body = mutations.file(number)
            declared = ImageFormat.of(body) or ImageFormat.PNG
            headers = {"Content-Type": declared.media_type, "X-PAYMENT": f"coin-{number} signed"}
            answer = await client.post(url, content=body, headers=headers)
            found.counts[str(answer.status_code)] += 1
            if what := _fault(answer, f"coin-{number}" in storefront.rail.moved):
                found.faults.append(Fault(number, name, what))
    return found


def _fault(answer: httpx.Response, has_paid: bool) -> str | None:
    if answer.status_code >= 500:
        return f"answered {answer.status_code} {answer.text[:200]}"
    is_sold = answer.status_code == 200
    return None if is_sold == has_paid else f"answered {answer.status_code}, and the payment moved: {has_paid}"
