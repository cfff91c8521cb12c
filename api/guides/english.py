"""What tables of the guides say in English, beyond what options and errors say of themselves."""

from collections.abc import Mapping
from inspect import getdoc

from api.guides.charged import Charged
from api.options import OPTIONS as ALL_OPTIONS
from api.problem_pages import problem_types
from errors import RetryAction

OPTIONS: Mapping[str, str] = {name: option.description for name, option in ALL_OPTIONS.items()}

ERRORS: Mapping[str, str] = {
    error.code: " ".join((getdoc(error) or "").partition("\n\n")[0].split()) for error in problem_types()
}

NEXT_STEPS: Mapping[RetryAction, str] = {
    RetryAction.PAY: "Pay one of the offers and send the request again with the payment.",
    RetryAction.RESEND_SAME: "Send the same request with the same payment again.",
    RetryAction.WAIT_AND_RESEND: "Wait for `retry_after` seconds, then send the same request with the same payment "
    "again.",
    RetryAction.NEW_PAYMENT: "This payment buys nothing here. Sign a new one.",
    RetryAction.FIX_REQUEST: "Change the request as `detail` says; the payment can stay the same.",
    RetryAction.ASK_OPERATOR: "Do not pay again. Contact the operator and quote `request_id`.",
}

CHARGED: Mapping[Charged, str] = {
    Charged.NO: "no",
    Charged.YES: "yes or possibly",
    Charged.UNLESS: "no, unless it already was",
    Charged.ASK: "see the answer",
}
