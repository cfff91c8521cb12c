"""A buyer who is gone before the settlement begins is not charged; one who leaves later fetches the picture."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import ProblemMiddleware
from api.request_id import RequestIdMiddleware
from errors import ClientDisconnected
from payments.gate import Gate
from payments.ledger import State
from payments.middleware import PaymentMiddleware
from payments.result_cache import ResultCache
from tests.fakes.rails import ScriptedRail
from tests.fakes.resource import ScriptedResource
from tests.fakes.seller import Seller
from tests.fakes.serving import TRUST

REQUEST = b"POST / HTTP/1.1\r\nHost: cut.example\r\nx-payment: payment print\r\nContent-Length: 7\r\n\r\npicture"


@pytest.mark.parametrize("recent_bytes", [1000])
async def test_who_is_gone_is_not_charged_and_can_come_back(seller: Seller) -> None:
    """The payment is free again, for any picture; the one that was made is not made once more."""
    with pytest.raises(ClientDisconnected) as refusal:
        await seller.send(is_gone=lambda: True)
    assert (refusal.value.payment_state, refusal.value.charged) == ("unused", False)
    assert (seller.rail.called("settle"), seller.rail.moved, await seller.is_free()) == (0, [], True)
    assert not (await seller.send()).replayed
    assert (seller.works, seller.rail.moved) == (1, ["payment"])


async def test_who_is_gone_after_the_settlement_is_charged(seller: Seller) -> None:
    """Nobody asks any more once it has begun."""
    gone: list[bool] = []
    seller.rail.may_settle.clear()
    sale = asyncio.create_task(seller.send(is_gone=lambda: bool(gone)))
    await seller.wait_for("settle")
    gone.append(True)
    seller.rail.may_settle.set()
    await sale
    assert (await seller.send()).replayed
    assert seller.rail.moved == ["payment"]


async def test_a_picture_that_is_fetched_again_is_made_for_who_asked(seller: Seller) -> None:
    await seller.send()
    assert (await seller.send(is_gone=lambda: True)).replayed
    assert seller.rail.moved == ["payment"]


class Service:
    """The payment middleware around slow work, on a real socket."""

    def __init__(self, seller: Seller) -> None:
        self.rail = ScriptedRail("x")
        self.working, self.may_work = asyncio.Event(), asyncio.Event()
        self.gate = Gate((self.rail,), seller.ledger, recent=ResultCache(0), clock=seller.clock)
        paid = PaymentMiddleware(self._work, gate=self.gate, resource=ScriptedResource())
        self.app: ASGIApp = RequestIdMiddleware(ProblemMiddleware(paid))

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.working.set()
        await self.may_work.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
        await send({"type": "http.response.body", "body": b"cut-out"})


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve in this loop, until the block ends; gives the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


async def send_and_hang_up(url: str, until: asyncio.Event) -> None:
    """Send the request, and cut the connection when the event comes."""
    address = urlsplit(url)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(REQUEST)
    await until.wait()
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.2)  # the server hears of it


@pytest.fixture
async def service(seller: Seller) -> AsyncIterator[Service]:
    service = Service(seller)
    yield service
    service.may_work.set()
    service.rail.may_settle.set()
    await service.gate.aclose()


async def buy(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
        return await client.post(url, headers={"x-payment": "payment print"}, content=b"picture")


async def test_a_connection_that_is_cut_in_the_work_costs_nothing(service: Service, seller: Seller) -> None:
    async with served(service.app) as url:
        await send_and_hang_up(url, service.working)
        service.may_work.set()
        async with asyncio.timeout(10):
            while not await seller.is_free():  # noqa: ASYNC110 - the ledger knows of no event
                await asyncio.sleep(0.01)
        assert (service.rail.called("settle"), service.rail.moved) == (0, [])
        bought = await buy(url)
    assert (bought.status_code, "Idempotent-Replayed" in bought.headers) == (200, False)
    assert service.rail.moved == ["payment"]


async def test_a_connection_that_is_cut_in_the_settlement_loses_nothing(service: Service, seller: Seller) -> None:
    service.may_work.set()
    service.rail.may_settle.clear()
    settling = asyncio.Event()

    async def wait_for_settlement() -> None:
        while not service.rail.called("settle"):  # noqa: ASYNC110 - the rail knows of no event
            await asyncio.sleep(0.01)
        settling.set()

    async with served(service.app) as url, asyncio.timeout(20):
        await asyncio.gather(send_and_hang_up(url, settling), wait_for_settlement())
        service.rail.may_settle.set()
        await seller.wait_for_state(State.SETTLED)
        again = await buy(url)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.content) == (200, "true", b"cut-out")
    assert service.rail.moved == ["payment"]


async def test_a_connection_that_stays_is_charged_once(service: Service) -> None:
    service.may_work.set()
    async with served(service.app) as url:
        assert (await buy(url)).status_code == 200
    assert service.rail.moved == ["payment"]
