import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from api.problems import ProblemMiddleware, problem
from api.request_id import RequestIdMiddleware
from errors import PaymentOutcomeUnknown, PaymentRequired, PaymentState, RunnerUnavailable, ServiceError

MEMBERS = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "payment_state",
    "charged",
    "retry_action",
    "retryable",
    "request_id",
]


def tree(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    """Every error of the service."""
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def raising(error: Exception) -> ASGIApp:
    """The two middlewares around an app that does nothing but fail."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return RequestIdMiddleware(ProblemMiddleware(app, "https://cutouts.example.com"))


async def answer_to(error: Exception) -> httpx.Response:
    """The answer when this is raised."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(raising(error)), base_url="http://test") as client:
        return await client.get("/", headers={"X-Request-Id": "r1"})


@pytest.mark.parametrize("kind", [*tree(ServiceError)], ids=lambda kind: kind.code)
async def test_every_error_has_one_form(kind: type[ServiceError]) -> None:
    error = kind.__new__(kind)
    ServiceError.__init__(error, "What happened.")
    answer = await answer_to(error)
    if error.payment_state is None:  # no payment came
        error = error.with_payment(PaymentState.NONE)
    assert answer.status_code == kind.status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(answer.json().items()) == [
        ("type", f"https://cutouts.example.com/problems/{kind.code}"),
        ("title", kind.title),
        ("status", kind.status),
        ("detail", "What happened."),
        ("code", kind.code),
        ("payment_state", error.payment_state),
        ("charged", error.charged),
        ("retry_action", error.retry_action),
        ("retryable", error.retryable),
        ("request_id", "r1"),
    ]


async def test_members_and_headers_of_a_rail_are_kept_repeats_included() -> None:
    error = PaymentRequired(
        "Pay first.",
        members={"x402Version": 1, "accepts": []},
        headers=(("WWW-Authenticate", "Payment a"), ("WWW-Authenticate", "Payment b")),
        type="https://paymentauth.org/problems/payment-required",
    )
    answer = await answer_to(error)
    assert answer.headers.get_list("WWW-Authenticate") == ["Payment a", "Payment b"]
    assert list(answer.json()) == [*MEMBERS, "x402Version", "accepts"]
    assert answer.json()["type"] == "https://paymentauth.org/problems/payment-required"


def test_the_body_is_compact_json() -> None:
    body = bytes(problem(PaymentRequired("Pay first."), "r1").body)
    assert body == json.dumps(json.loads(body), separators=(",", ":")).encode()


async def test_what_is_unavailable_says_when_to_come_back() -> None:
    out = await answer_to(RunnerUnavailable("No runner."))
    assert (out.headers["Retry-After"], out.json()["retry_after"]) == ("2", 2)
    unknown = await answer_to(PaymentOutcomeUnknown())
    assert (unknown.headers["Retry-After"], unknown.json()["charged"]) == ("3", True)


async def test_an_unexpected_error_is_told_to_the_operator_and_not_to_the_client() -> None:
    with capture_logs() as logs:
        answer = await answer_to(ValueError("the marked secret"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "marked" not in answer.text
    assert isinstance(logs[0]["exc_info"], ValueError)


async def test_the_cause_of_a_refusal_that_is_ours_is_logged() -> None:
    error = RunnerUnavailable("No runner.")
    error.__cause__ = OSError("connection refused")
    with capture_logs() as logs:
        await answer_to(error)
    assert (logs[0]["code"], logs[0]["exc_info"]) == ("runner_unavailable", error.__cause__)


@pytest.mark.parametrize("cause", [None, OSError("connection refused")])
async def test_a_refusal_that_was_completed_is_logged_with_the_first_ones_cause(cause: OSError | None) -> None:
    """Not with itself: a line without a fault of ours needs no traceback."""
    first = RunnerUnavailable("No runner.")
    first.__cause__ = cause
    second = first.with_payment(PaymentState.UNUSED)
    second.__cause__ = first
    with capture_logs() as logs:
        await answer_to(second)
    assert logs[0]["exc_info"] is cause


async def test_an_answer_that_has_begun_is_not_answered_again() -> None:
    """The server has to cut the connection, so it hears of the error."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("half an answer")(scope, receive, send)
        raise RuntimeError("too late")

    transport = httpx.ASGITransport(RequestIdMiddleware(ProblemMiddleware(app)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(RuntimeError, match="too late"):
            await client.get("/")


async def test_memory_that_is_not_there_is_overload() -> None:
    """Another picture, or the same one later, may well succeed."""
    answer = await answer_to(MemoryError())
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
