"""A page for each problem type: what a `type` URI leads to (RFC 9457 §3.1.1)."""

from collections.abc import Iterator
from functools import cache
from inspect import getdoc

from starlette.routing import Route

from api.documents import document
from api.problems import PROBLEMS_PATH
from api.templates import code, render
from errors import PaymentState, RetryAction, ServiceError

NEXT_STEPS = {
    RetryAction.PAY: "Pay one of the offers of the answer, and send the request again with the payment.",
    RetryAction.RESEND_SAME: "Send the same request with the same payment again. Sign no new one.",
    RetryAction.WAIT_AND_RESEND: "Wait for `retry_after` seconds, then send the same request with the same "
    "payment again. Sign no new one.",
    RetryAction.NEW_PAYMENT: "This payment buys nothing here. Sign a new one.",
    RetryAction.FIX_REQUEST: "Change the request as `detail` says. The payment need not change.",
    RetryAction.ASK_OPERATOR: "Do not pay again. Ask the operator, and quote `request_id`.",
}

_MONEY = {
    PaymentState.NONE: "No payment came.",
    PaymentState.UNUSED: "The payment that came has moved no money, and nothing of this service can still move it.",
    PaymentState.IN_FLIGHT: "The payment that came may have moved, or may still move. It is charged once at most.",
    PaymentState.SETTLED: "The payment that came has moved, and was charged once.",
    PaymentState.SPENT_ELSEWHERE: "The chain knows the payment that came as used, by another purchase than this one.",
    None: "The answer says it: `payment_state` and `charged`.",
}


def problem_routes() -> list[Route]:
    """One page for each code of the error tree."""
    return [
        document(f"{PROBLEMS_PATH}/{error.code}", _page(error), "text/html")  # type: ignore[arg-type] # a class can be hashed
        for error in problem_types()
    ]


def problem_types() -> list[type[ServiceError]]:
    """The first class of each code, from the branches of the tree on."""
    found: dict[str, type[ServiceError]] = {}
    for each in _branches(ServiceError):
        found.setdefault(each.code, each)
    return list(found.values())


def _branches(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for each in root.__subclasses__():
        yield each
        yield from _branches(each)


def meaning(error: type[ServiceError]) -> str:
    """What an error says of itself, in one sentence; words in backticks are code."""
    return " ".join((getdoc(error) or "").partition("\n\n")[0].split())


@cache
def _page(error: type[ServiceError]) -> str:
    return render(
        "problem.html",
        error=error,
        meaning=meaning(error),
        next_step=NEXT_STEPS[error.retry_action],
        money=_MONEY[error.payment_state],
        code=code,
    )
