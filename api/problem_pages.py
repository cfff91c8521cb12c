"""A page for each problem type, at its `type` URI (RFC 9457 §3.1.1)."""

from collections.abc import Iterator
from functools import cache
from inspect import getdoc

from starlette.routing import Route

from api.documents import document
from api.problems import PROBLEMS_PATH
from api.templates import code, render
from errors import PaymentState, RetryAction, ServiceError

NEXT_STEPS = {
    RetryAction.PAY: "Pay one of the offers and send the request again with the payment.",
    RetryAction.RESEND_SAME: "Send the same request with the same payment again. Do not sign a new one.",
    RetryAction.WAIT_AND_RESEND: "Wait for `retry_after` seconds, then send the same request with the same "
    "payment again. Do not sign a new one.",
    RetryAction.NEW_PAYMENT: "This payment cannot buy anything here. Sign a new one.",
    RetryAction.FIX_REQUEST: "Change the request as `detail` says. The payment can stay the same.",
    RetryAction.ASK_OPERATOR: "Do not pay again. Contact the operator and quote `request_id`.",
}

_MONEY = {
    PaymentState.NONE: "The request had no payment.",
    PaymentState.UNUSED: "The payment moved no money, and this service can no longer move it.",
    PaymentState.IN_FLIGHT: "The payment may have moved, or may still move. It is charged at most once.",
    PaymentState.SETTLED: "The payment moved and was charged once.",
    PaymentState.SPENT_ELSEWHERE: "The chain shows that the payment was used for another purchase.",
    None: "See `payment_state` and `charged` in the response.",
}


def problem_routes() -> list[Route]:
    """One page for each error code."""
    return [
        document(f"{PROBLEMS_PATH}/{error.code}", _page(error), "text/html")  # type: ignore[arg-type] # a class can be hashed
        for error in problem_types()
    ]


def problem_types() -> list[type[ServiceError]]:
    """The first class of each code in the error tree, base classes first."""
    found: dict[str, type[ServiceError]] = {}
    for each in _branches(ServiceError):
        found.setdefault(each.code, each)
    return list(found.values())


def _branches(root: type[ServiceError]) -> Iterator[type[ServiceError]]:
    for each in root.__subclasses__():
        yield each
        yield from _branches(each)


def meaning(error: type[ServiceError]) -> str:
    """The description of an error in one sentence; words in backticks are code."""
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
