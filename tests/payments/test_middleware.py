"""The gate as HTTP: quotes, refusals and sales, and nothing on the wire before the money has moved."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.payment_state import PaymentStateMiddleware
from api.problems import ProblemMiddleware
from api.request_id import RequestIdMiddleware
from errors import InvalidImage, Overloaded, ProcessingFailed, RunnerUnavailable
from payments.gate import Gate
from payments.middleware import PaymentMiddleware
from payments.result_cache import ResultCache
from tests.fakes.rails import Outcome, ScriptedRail
from tests.fakes.resource import ScriptedResource
from tests.fakes.seller import Seller, order

PAYMENT = {"one-payment": "id print"}


class SmallApp:
    """The middleware between the problem form and a small app, with two rails; `two.example` takes the second only.

    `app` makes the goods, `resource` says what they are.
    """

    def __init__(self, seller: Seller) -> None:
        self.one, self.two = ScriptedRail("one"), ScriptedRail("two")
        self.gate = Gate(
            (self.one, self.two),
            seller.ledger,
            hosts={"two.example": ("two",)},
            recent=ResultCache(0),
            clock=seller.clock,
        )
        self.app: ASGIApp = Response(b"cut-out", media_type="image/png", headers={"X-Width": "7"})
        self.resource = ScriptedResource()
        paid = PaymentMiddleware(self._serve, gate=self.gate, resource=self.resource)
        self.asgi: ASGIApp = RequestIdMiddleware(ProblemMiddleware(PaymentStateMiddleware(paid, gate=self.gate)))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture
def small_app(seller: Seller) -> SmallApp:
    return SmallApp(seller)


@pytest.fixture
async def client(small_app: SmallApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(small_app.asgi)
    async with httpx.AsyncClient(transport=transport, base_url="https://cut.example") as client:
        yield client


async def test_quotes_every_rail_in_one_402(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    answer = await client.post("/")
    assert answer.status_code == 402
    assert answer.headers.get_list("www-authenticate") == ['one price="0.05"', 'two price="0.05"']
    body = answer.json()
    assert (body["code"], body["charged"]) == ("payment_required", False)
    assert body["one"] == body["two"] == {"url": order().url, "rejection": None}
    assert small_app.one.calls == small_app.two.calls == []


@pytest.mark.parametrize(("host", "quoted"), [("two.example", {"two"}), ("elsewhere.example", {"one", "two"})])
async def test_quotes_on_a_host_what_is_bound_to_it(client: httpx.AsyncClient, host: str, quoted: set[str]) -> None:
    answer = await client.post("/", headers={"Host": f"{host}:443"})
    assert answer.json().keys() & {"one", "two"} == quoted


async def test_takes_on_a_host_what_is_bound_to_it(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    refused = await client.post("/", headers={"Host": "two.example", **PAYMENT})
    assert (refused.status_code, refused.json()["reason"]) == (402, "rail_not_offered")
    assert small_app.one.calls == []
    assert (await client.post("/", headers={"Host": "two.example", "two-payment": "id print"})).status_code == 200


async def test_judges_what_is_not_paid_for(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    """A body that could never be served is told so instead of what it would cost."""
    small_app.resource.invalid = [InvalidImage("No image.")]
    assert (await client.post("/")).status_code == 400
    small_app.resource.invalid = [InvalidImage("No image.")]
    assert (await client.post("/", headers=PAYMENT)).status_code == 200


async def test_quotes_nothing_that_cannot_be_made_at_present(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    """Neither to who has not paid, nor to who has paid wrongly."""
    small_app.resource.unavailable = RunnerUnavailable("The matting runner does not answer.", retry_after=5)
    small_app.one.verifying = [Outcome.REFUSED]
    for headers in ({}, PAYMENT):
        answer = await client.post("/", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "runner_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert "www-authenticate" not in answer.headers


async def test_admits_what_is_paid_for(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    small_app.resource.rejecting = [Overloaded("Full.")]
    answer = await client.post("/", headers=PAYMENT)
    assert (answer.status_code, answer.json()["charged"]) == (503, False)
    assert small_app.one.calls == []


async def test_sells(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    answer = await client.post("/", headers=PAYMENT)
    assert (answer.status_code, answer.content) == (200, b"cut-out")
    assert small_app.one.moved == ["id"]
    headers = dict(answer.headers)
    assert headers.pop("x-request-id")
    assert headers == {
        "cache-control": "private",
        "content-length": "7",
        "content-type": "image/png",
        "x-width": "7",
        "one-receipt": "0xid",
    }


@pytest.mark.parametrize("times", [1, 2])
async def test_repeated_headers_of_goods_and_receipt_all_arrive(
    client: httpx.AsyncClient, small_app: SmallApp, times: int
) -> None:
    """In their order, at the first delivery and at the next one."""
    goods = Response(b"cut-out")
    goods.headers.append("Link", "<a>")
    goods.headers.append("Link", "<b>")
    small_app.app, small_app.one.receipts = goods, 2
    for _ in range(times):
        answer = await client.post("/", headers=PAYMENT)
    assert answer.headers.get_list("link") == ["<a>", "<b>"]
    assert answer.headers.get_list("one-receipt") == ["0xid", "0xid again"]
    assert answer.headers.get_list("content-length") == ["7"]
    assert answer.headers.get_list("cache-control") == ["private"]


async def test_marks_what_is_delivered_again(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    first, again = [await client.post("/", headers=PAYMENT) for _ in range(2)]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.content, again.headers["one-receipt"]) == (first.content, first.headers["one-receipt"])
    assert small_app.one.moved == ["id"]


async def test_refuses_a_used_payment_for_another_body(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    await client.post("/", headers=PAYMENT)
    answer = await client.post("/", headers={**PAYMENT, "X-Body": "other"})
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_used")
    assert small_app.one.moved == ["id"]


@pytest.mark.parametrize("step", ["verifying", "settling"])
async def test_answers_a_refused_payment_with_a_fresh_quote(
    client: httpx.AsyncClient, small_app: SmallApp, step: str
) -> None:
    getattr(small_app.one, step).append(Outcome.REFUSED)
    answer = await client.post("/", headers=PAYMENT)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (402, "payment_rejected", "refused")
    assert body["one"]["rejection"] == "refused"
    assert len(answer.headers.get_list("www-authenticate")) == 2
    assert "one-receipt" not in answer.headers
    assert answer.headers["one-refused"].endswith(" refused")
    assert "two-refused" not in answer.headers


async def test_answers_a_doubt_without_a_bill(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    small_app.one.settling = [Outcome.REPLY_LOST]
    answer = await client.post("/", headers=PAYMENT)
    assert (answer.status_code, answer.json()["charged"]) == (503, True)
    assert answer.headers["retry-after"]
    assert "www-authenticate" not in answer.headers
    assert (await client.post("/", headers=PAYMENT)).content == b"cut-out"
    assert small_app.one.moved == ["id"]


@pytest.mark.parametrize("header", ["id", ""])
async def test_refuses_what_it_cannot_read(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.post("/", headers={"one-payment": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_payment")


async def test_refuses_two_payments(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    answer = await client.post("/", headers={**PAYMENT, "two-payment": "id print"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_payment")
    assert small_app.one.calls == small_app.two.calls == []


async def test_puts_an_answer_together(client: httpx.AsyncClient, small_app: SmallApp) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"", b"bc"):
            yield part

    small_app.app = StreamingResponse(parts())
    assert (await client.post("/", headers=PAYMENT)).content == b"abc"


async def _raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise ProcessingFailed("Broken.")


async def _has_no_such_page(scope: Scope, receive: Receive, send: Send) -> None:
    raise HTTPException(404)


async def _says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return None


async def _stops_in_the_middle(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"cut-", "more_body": True})


@pytest.mark.parametrize(
    "app",
    [_raises, _has_no_such_page, _says_nothing, _stops_in_the_middle, Response(status_code=204), Response("", 500)],
)
async def test_sells_nothing_but_a_whole_answer(client: httpx.AsyncClient, small_app: SmallApp, app: ASGIApp) -> None:
    whole, small_app.app = small_app.app, app
    answer = await client.post("/", headers=PAYMENT)
    assert answer.status_code in {404, 500}
    assert not answer.json()["charged"]
    assert small_app.one.moved == []
    small_app.app = whole
    assert (await client.post("/", headers=PAYMENT)).content == b"cut-out"


async def test_sends_nothing_before_the_money_has_moved(small_app: SmallApp) -> None:
    small_app.one.may_settle.clear()
    sent: list[Message] = []
    request = asyncio.create_task(_request(small_app.asgi, sent.append))
    async with asyncio.timeout(10):
        while not small_app.one.called("settle"):  # noqa: ASYNC110 - the rail knows of no event
            await asyncio.sleep(0.001)
    assert sent == []
    small_app.one.may_settle.set()
    await request
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def _request(app: ASGIApp, sent: Callable[[Message], None]) -> None:
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in PAYMENT.items()],
        "server": ("cut.example", 443),
        "scheme": "https",
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent(message)

    await app(scope, receive, send)


async def test_a_place_is_given_back_before_the_settlement(seller: Seller) -> None:
    """Also where the picture need not be made: a settlement takes seconds, and uses none of what is promised."""
    released: list[int] = []
    rail = ScriptedRail("one")
    gate = Gate((rail,), seller.ledger, recent=ResultCache(1000), clock=seller.clock)

    resource = ScriptedResource(on_release=lambda: released.append(len(rail.moved)))
    paid = PaymentMiddleware(Response(b"cut-out"), gate=gate, resource=resource)
    app = RequestIdMiddleware(ProblemMiddleware(paid, "https://cut.example"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://cut.example") as client:
        for number in range(2):
            payment = {"one-payment": f"id-{number} print-{number}"}
            assert (await client.post("/", headers=payment)).status_code == 200
    assert released == [0, 1, 1, 2], "before each settlement, and once more at the end"


async def test_copies_of_one_payment_are_sent_one_after_the_other(
    client: httpx.AsyncClient, small_app: SmallApp
) -> None:
    """Each would hold a picture; and pieces are sent as the client takes them."""
    small_app.app = Response(bytes(1_000_000), media_type="image/png")
    assert (await client.post("/", headers=PAYMENT)).status_code == 200
    at_once = most = pieces = 0
    go_on = asyncio.Event()

    async def slow(message: Message) -> None:
        nonlocal at_once, most, pieces
        starts, ends = message["type"] == "http.response.start", not message.get("more_body", True)
        at_once += starts
        most = max(most, at_once)
        pieces += not starts
        await go_on.wait()
        at_once -= ends

    async def ask() -> None:
        await small_app.asgi(scope_with(PAYMENT), nothing_more, slow)

    copies = [asyncio.create_task(ask()) for _ in range(3)]
    await asyncio.sleep(0.2)
    go_on.set()
    await asyncio.gather(*copies)
    assert (most, at_once, pieces) == (1, 0, 12)


def scope_with(headers: dict[str, str]) -> Scope:
    """A request as a server hands it on."""
    raw = [(name.encode(), value.encode()) for name, value in {"host": "one.example", **headers}.items()]
    return {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": raw,
        "server": ("one.example", 80),
        "scheme": "http",
    }


async def nothing_more() -> Message:
    """No body, and a client that stays."""
    await asyncio.sleep(60)
    return {"type": "http.disconnect"}
