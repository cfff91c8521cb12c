"""Reads an error response: its members `retry_action` and `payment_state` decide the next step."""

import json
from dataclasses import dataclass
from enum import StrEnum

import httpx

_DEFAULT_WAIT_S = 2
_LONGEST_WAIT_S = 120
_LONGEST_MESSAGE = 500
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


class Step(StrEnum):
    """What to do next with the payment that was sent."""

    RESEND = "resend"
    """Send the same request again after `wait_s`."""
    RENEW = "renew"
    """The payment is proven unused and no longer valid: a new one may be signed."""
    GIVE_UP = "give up"
    """The payment is proven unused, and a new one would be refused too."""
    USED_UP = "used up"
    """The payment was used, and the service no longer delivers for it."""
    KEEP = "keep"
    """Nothing is proven: keep the payment and do not sign another one."""


@dataclass(frozen=True)
class Problem:
    """A refusal.

    Attributes:
        wait_s: seconds to wait before the next try.
        is_unused: whether the service says that the payment moved no money.
        is_funds: whether the payer lacks funds.
    """

    status: int
    step: Step
    wait_s: int
    message: str
    is_unused: bool = False
    is_funds: bool = False

    @classmethod
    def read(cls, answer: httpx.Response) -> "Problem":
        """Read any answer but a delivery. One that is not the service's own, such as a proxy's, proves nothing."""
        members = _members(answer)
        state, action = members.get("payment_state"), members.get("retry_action")
        return cls(
            answer.status_code,
            _step(answer.status_code, action, state),
            _wait(answer, members),
            _message(answer, members),
            is_unused=state == "unused",
            is_funds="insufficient" in f"{members.get('reason')} {members.get('type')}",
        )


def _step(status: int, action: object, state: object) -> Step:
    if action in {"resend_same", "wait_and_resend"} or (action is None and status in _TRANSIENT):
        return Step.RESEND
    if state == "unused":
        return Step.RENEW if action == "new_payment" else Step.GIVE_UP
    if state == "settled" and action == "new_payment":
        return Step.USED_UP
    return Step.KEEP


def _wait(answer: httpx.Response, members: dict[str, object]) -> int:
    named = members.get("retry_after", answer.headers.get("Retry-After", ""))
    text = str(named)
    return min(int(text), _LONGEST_WAIT_S) if text.isdecimal() else _DEFAULT_WAIT_S


def _message(answer: httpx.Response, members: dict[str, object]) -> str:
    detail = members.get("detail") or members.get("title") or answer.reason_phrase
    request = members.get("request_id") or answer.headers.get("X-Request-Id")
    told = f"{answer.status_code} {detail}" + (f" (request {request})" if request else "")
    return "".join(each if each.isprintable() else " " for each in told)[:_LONGEST_MESSAGE]  # terminals print it


def _members(answer: httpx.Response) -> dict[str, object]:
    if answer.headers.get("Content-Type", "").split(";")[0].strip() != "application/problem+json":
        return {}
    try:
        members = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
