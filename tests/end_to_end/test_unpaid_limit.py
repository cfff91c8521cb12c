"""The limits on what earns nothing, over both API workers of the running service."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx
import psutil
import pytest

from sandbox.accounts import STRANGER
from tests.buying import ROUTE
from tests.clients.purchase_client import PurchaseClient, Way
from tests.end_to_end.cheats import pay_badly
from tests.end_to_end.refusals import assert_refused
from tests.fakes.serving import TRUST
from tests.running_service import WORKERS, RunningService

pytestmark = pytest.mark.usefixtures("nothing_charged")

ASKED, LIMIT = 40, 30


@pytest.fixture
async def connections(running_service: RunningService) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Connections that stay open, as many as it takes until every worker holds one."""
    async with AsyncExitStack() as stack:
        opened: list[httpx.AsyncClient] = []
        while _workers_in_use(running_service) < WORKERS:
            assert len(opened) < 200, "one worker takes all connections"
            client = httpx.AsyncClient(base_url=running_service.url, trust_env=False, verify=TRUST)
            opened.append(await stack.enter_async_context(client))
            await client.get("/livez")
        yield opened


async def test_thirty_unpaid_answers_a_minute_one_after_the_other(
    connections: list[httpx.AsyncClient], address: str
) -> None:
    fields = {"X-Forwarded-For": address}
    _assert_limited([await connections[n % len(connections)].post(ROUTE, headers=fields) for n in range(ASKED)])


async def test_thirty_unpaid_answers_a_minute_at_once(connections: list[httpx.AsyncClient], address: str) -> None:
    fields = {"X-Forwarded-For": address}
    asked = (connections[n % len(connections)].post(ROUTE, headers=fields) for n in range(ASKED))
    _assert_limited(await asyncio.gather(*asked))


async def test_thirty_rejected_payments_a_minute_of_one_payer(
    connections: list[httpx.AsyncClient], buyer_for: Callable[[Way], PurchaseClient], address: str, picture: bytes
) -> None:
    """Neither questions nor other payers of the same address are held up by them."""
    one = buyer_for("x402 v2")
    payment = {"PAYMENT-SIGNATURE": await pay_badly(one, picture, 2, "recipient")}
    fields = {"X-Forwarded-For": address, "Content-Type": "image/jpeg"} | payment
    answers = [
        await connections[n % len(connections)].post(ROUTE, content=picture, headers=fields) for n in range(ASKED)
    ]
    rejected = Tally(answer.status_code for answer in answers)[402]
    assert LIMIT <= rejected < LIMIT + WORKERS  # a worker learns of another's count with the next one of its own
    _assert_limited(answers, rejected, charged=None)  # a payment that nobody has looked up

    other = {"PAYMENT-SIGNATURE": await pay_badly(replace(one, key=STRANGER.key), picture, 2, "recipient")}
    assert_refused(await one.post(picture, other), 402, "payment_rejected", reason="invalid_payment_requirements")


def _assert_limited(answers: list[httpx.Response], answered: int = LIMIT, *, charged: bool | None = False) -> None:
    assert Tally(answer.status_code for answer in answers) == {402: answered, 429: ASKED - answered}
    for answer in answers:
        if answer.status_code == 429:
            assert_refused(answer, 429, "rate_limited", retryable=True, charged=charged)
            assert 0 < int(answer.headers["Retry-After"]) <= 60


def _workers_in_use(service: RunningService) -> int:
    """How many processes of the service hold a connection to its public port."""
    port = httpx.URL(service.url).port
    processes = psutil.Process(service.process.pid).children(recursive=True)
    return sum(
        any(each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port for each in process.net_connections())
        for process in processes
    )
