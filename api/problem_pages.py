"""A page for each problem type: what a `type` URI leads to (RFC 9457 §3.1.1)."""

import html
from collections.abc import Iterator
from inspect import getdoc
from pathlib import Path
from string import Template

from starlette.routing import Route

from api.documents import document
from api.problems import PROBLEMS_PATH
from errors import PaymentState, RetryAction, ServiceError

_PAGE = Template((Path(__file__).parent / "pages" / "problem.html").read_text(encoding="utf-8"))

NEXT_STEPS = {
    RetryAction.PAY: "Pay one of the offers of the answer, and send the request again with the payment.",
    RetryAction.RESEND_SAME: "Send the same request with the same payment again. Sign no new one.",
    RetryAction.WAIT_AND_RESEND: "Wait for <code>retry_after</code> seconds, then send the same request with the same "
    "payment again. Sign no new one.",
    RetryAction.NEW_PAYMENT: "This payment buys nothing here. Sign a new one.",
    RetryAction.FIX_REQUEST: "Change the request as <code>detail</code> says. The payment need not change.",
    RetryAction.ASK_OPERATOR: "Do not pay again. Ask the operator, and quote <code>request_id</code>.",
}

_MONEY = {
    PaymentState.NONE: "No payment came.",
    PaymentState.UNUSED: "The payment that came has moved no money, and nothing of this service can still move it.",
    PaymentState.IN_FLIGHT: "The payment that came may have moved, or may still move. It is charged once at most.",
    PaymentState.SETTLED: "The payment that came has moved, and was charged once.",
    PaymentState.SPENT_ELSEWHERE: "The chain knows the payment that came as used, by another purchase than this one.",
    None: "The answer says it: <code>payment_state</code> and <code>charged</code>.",
}


def problem_routes() -> list[Route]:
    """One page for each code of the error tree."""
    return [document(f"{PROBLEMS_PATH}/{error.code}", _page(error), "text/html") for error in problem_types()]


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


def _page(error: type[ServiceError]) -> str:
    meaning = " ".join((getdoc(error) or "").partition("\n\n")[0].replace("`", "").split())
    return _PAGE.substitute(
        title=html.escape(error.title),
        code=error.code,
        status=error.status,
        meaning=html.escape(meaning),
        next_step=NEXT_STEPS[error.retry_action],
        money=_MONEY[error.payment_state],
    )
