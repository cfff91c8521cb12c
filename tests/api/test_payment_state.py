"""Whatever a request is refused for: what the answer says about the money is true of the payment that came."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.config import UploadLimits
from api.payment_state import PaymentStateMiddleware
from api.pricing import PATH
from api.problems import ProblemMiddleware
from api.request_id import RequestIdMiddleware
from errors import LedgerUnavailable, ServiceError
from payments.gate import Gate
from payments.rail import Payment, Receipt
from storage import Database, SqlLedger
from tests.api.storefront import JPEG, open_storefront, picture
from tests.empty_ledger import empty_ledger
from tests.fakes.clock import FakeClock
from tests.fakes.ledgers import StalledLedger
from tests.fakes.rails import PAYER, ScriptedRail
from tests.fakes.steps import Moment, Steps
from tests.test_errors import tree

LEASE_S = 60.0
VALID_BEFORE = 1_900_000_000
STATES = {
    "unknown": "unused",
    "abandoned": "unused",
    "claimed": "in_flight",
    "settling": "in_flight",
    "settled": "settled",
}
"""Where the payment stands in the ledger → what the answer calls it."""
CHARGED = {"unused": False, "in_flight": True, "settled": True}
KNOWING = {
    "payment_required",
    "payment_rejected",
    "deadline_unreachable",
    "payment_in_progress",
    "payment_spent_elsewhere",
    "payment_outcome_unknown",
}
"""Refusals of those who have asked ledger and chain themselves."""


async def bring(ledger: SqlLedger, state: str, payment_id: str = "coin", *, lease_s: float = LEASE_S) -> None:
    """Bring a payment into a state, as a request would that came before."""
    payment = Payment(payment_id, "x", PAYER, 50_000, VALID_BEFORE, {})
    if state == "unknown":
        return
    lease_s = 0 if state == "abandoned" else lease_s
    claim = await ledger.claim(payment, seen=None, fingerprint="signed", order_digest="other", lease_s=lease_s)
    assert claim is not None
    if state in {"settling", "settled"}:
        assert await ledger.begin_settlement(claim, lease_s=lease_s)
    if state == "settled":
        assert await ledger.settled(payment_id, Receipt("x", "nowhere", "0x1", PAYER, 1_800_000_000))


def assert_true_of(body: dict[str, object], state: str) -> None:
    """The money's part of a refusal."""
    told = STATES[state]
    assert (body["payment_state"], body["charged"]) == (told, CHARGED[told])
    assert body.get("payment_expires_at") == (VALID_BEFORE if told == "in_flight" else None)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    async with Database(empty_ledger(tmp_path / "ledger.sqlite3"), clock=FakeClock()) as database:
        yield SqlLedger(database)


async def refused(gate: Gate, error: Exception, **headers: str) -> dict[str, object]:
    """The body of the answer when this is raised on the paid route."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    stack: ASGIApp = RequestIdMiddleware(ProblemMiddleware(PaymentStateMiddleware(app, gate=gate)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stack), base_url="http://test") as client:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        body: dict[str, object] = (await client.post("/", headers=fields)).json()
        return body


def error_of(kind: type[ServiceError]) -> ServiceError:
    error = kind.__new__(kind)
    ServiceError.__init__(error, "What happened.")
    return error


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", [*tree(ServiceError)], ids=lambda kind: kind.code)
async def test_every_error_is_true_of_every_payment(ledger: SqlLedger, kind: type[ServiceError], state: str) -> None:
    await bring(ledger, state)
    error = error_of(kind)
    body = await refused(Gate((ScriptedRail("x"),), ledger), error, x_payment="coin signed")
    if kind.code in KNOWING:
        assert (body["payment_state"], body["charged"]) == (kind.payment_state, error.charged)
    else:
        assert_true_of(body, state)


@pytest.mark.parametrize("state", STATES)
async def test_a_bug_is_true_of_every_payment_too(ledger: SqlLedger, state: str) -> None:
    await bring(ledger, state)
    body = await refused(Gate((ScriptedRail("x"),), ledger), RuntimeError("a bug"), x_payment="coin signed")
    assert body["code"] == "internal_error"
    assert_true_of(body, state)


@pytest.mark.parametrize("kind", [*tree(ServiceError)], ids=lambda kind: kind.code)
async def test_without_a_payment_nothing_is_charged(ledger: SqlLedger, kind: type[ServiceError]) -> None:
    if kind.code not in KNOWING:
        body = await refused(Gate((ScriptedRail("x"),), ledger), error_of(kind))
        assert (body["payment_state"], body["charged"]) == ("none", False)


@pytest.mark.parametrize("header", ["unreadable", ""])
async def test_what_cannot_be_read_is_not_called_uncharged(ledger: SqlLedger, header: str) -> None:
    """It may be a payment that has settled, cut short by whatever it passed through."""
    body = await refused(Gate((ScriptedRail("x"),), ledger), error_of(ServiceError), x_payment=header)
    assert not {"payment_state", "charged"} & body.keys()


@pytest.mark.parametrize("state", STATES)
async def test_of_two_payments_the_one_that_moves_counts(ledger: SqlLedger, state: str) -> None:
    await bring(ledger, state, "second")
    gate = Gate((ScriptedRail("x"), ScriptedRail("y")), ledger)
    both = await refused(gate, error_of(ServiceError), x_payment="first signed", y_payment="second signed")
    assert_true_of(both, state)
    half = await refused(gate, error_of(ServiceError), x_payment="unreadable", y_payment="second signed")
    if CHARGED[STATES[state]]:
        assert_true_of(half, state)
    else:
        assert "charged" not in half


async def test_a_ledger_that_fails_says_nothing(ledger: SqlLedger) -> None:
    broken = Steps(0, Moment.BEFORE, lambda: LedgerUnavailable("No answer.")).through(ledger)
    body = await refused(Gate((ScriptedRail("x"),), broken), error_of(ServiceError), x_payment="coin signed")
    assert not {"payment_state", "charged"} & body.keys()


async def test_a_ledger_that_stands_still_is_not_waited_for(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path / 'ledger.sqlite3'}") as database:
        gate = Gate((ScriptedRail("x"),), StalledLedger(database))
        async with asyncio.timeout(10):
            body = await refused(gate, error_of(ServiceError), x_payment="coin signed")
    assert not {"payment_state", "charged"} & body.keys()


REQUESTS: dict[str, tuple[int, dict[str, object]]] = {
    "a wrong media type": (415, {"Content_Type": "image/gif"}),
    "an unknown parameter": (400, {"query": "?colour=red"}),
    "an unknown format": (400, {"query": "?format=bmp"}),
    "an unknown model": (400, {"query": "?model=none"}),
    "a bad idempotency key": (400, {"Idempotency_Key": "no good key"}),
    "too large": (413, {"body": b"\xff" * 2000}),
    "no image": (400, {"body": b"no image"}),
    "another image": (409, {"body": picture(size=(7, 7))}),
}


@pytest.mark.parametrize("state", ["claimed", "settling", "settled"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_payment_sent_again_with_a_wrong_request(
    tmp_path: Path, request_: tuple[int, dict[str, object]], state: str
) -> None:
    status, wrong = request_
    arguments = {"body": picture(), **wrong}
    async with open_storefront(tmp_path, limits=UploadLimits(max_bytes=1500)) as storefront:
        await bring(storefront.ledger, state)
        answer = await storefront.post(coin="coin", **arguments)  # type: ignore[arg-type]
        body = answer.json()
    # What is no image is told that its payment bought another one: the ledger is asked first.
    assert answer.status_code in {status, 409}
    assert_true_of(body, state)


async def test_past_the_limit_nothing_is_said_of_a_payment(tmp_path: Path) -> None:
    """Nobody has looked: an address over its limit costs no question to the ledger."""
    async with open_storefront(tmp_path, per_minute=1) as storefront:
        await bring(storefront.ledger, "settled")
        answers = [await storefront.post(picture(), coin=f"coin-{n}", Idempotency_Key="no good key") for n in range(5)]
        answers += [await storefront.post(picture(), coin="coin") for _ in range(5)]
        assert 429 in {answer.status_code for answer in answers}
        for answer in answers:
            assert answer.status_code != 429 or "charged" not in answer.json()


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/v1/other", 404), ("PUT", PATH, 405)])
async def test_where_nothing_is_sold_nothing_is_said_of_a_payment(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with open_storefront(tmp_path) as storefront:
        paid = await storefront.client.request(
            method, path, content=picture(), headers={**JPEG, "X-PAYMENT": "coin signed"}
        )
        unpaid = await storefront.client.request(method, path, content=picture(), headers=JPEG)
    assert (paid.status_code, unpaid.status_code) == (status, status)
    assert not {"payment_state", "charged"} & paid.json().keys()
    assert (unpaid.json()["payment_state"], unpaid.json()["charged"]) == ("none", False)


def test_who_knows_better_is_known() -> None:
    """Every other error learns it from the ledger."""
    assert {kind.code for kind in tree(ServiceError) if kind.payment_state is not None} == KNOWING
