"""What every error says: about the request, about the payment, and what the buyer should do next."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Self


class PaymentState(StrEnum):
    """What is known of the payment that came with a request, at the moment of the answer."""

    NONE = "none"
    """No payment came."""
    UNUSED = "unused"
    """It has moved no money, and nothing of ours can still move it."""
    IN_FLIGHT = "in_flight"
    """It may move, or may have moved."""
    SETTLED = "settled"
    """It has moved, to us, and is in the ledger."""
    SPENT_ELSEWHERE = "spent_elsewhere"
    """The chain knows it as used, and this ledger did not use it."""


class RetryAction(StrEnum):
    """What the buyer should do next."""

    PAY = "pay"
    """Pay one of the offers of this 402."""
    RESEND_SAME = "resend_same"
    """Send the same request with the same payment again."""
    WAIT_AND_RESEND = "wait_and_resend"
    """The same, after `retry_after` seconds."""
    NEW_PAYMENT = "new_payment"
    """This payment buys nothing here (any more): sign a new one."""
    FIX_REQUEST = "fix_request"
    """The request must change; the payment need not."""
    ASK_OPERATOR = "ask_operator"
    """Do not pay again. Contact the operator and quote `request_id`."""


_CHARGED = {
    PaymentState.NONE: False,
    PaymentState.UNUSED: False,
    PaymentState.IN_FLIGHT: True,
    PaymentState.SETTLED: True,
}
_RETRYABLE = frozenset({RetryAction.RESEND_SAME, RetryAction.WAIT_AND_RESEND})


class ServiceError(Exception):
    """One refusal, as RFC 9457 describes it. Immutable: `with_payment` and `adding` make another one of the same class,
    to be raised `from` the first.

    Attributes:
        status, code, title: the HTTP status, the stable machine-readable name and its English title.
        payment_state: of the payment that came; None where that is not known (yet).
        retry_action: the buyer's next step. `charged` and `retryable` follow from these two.
        retry_after: whole seconds to wait before it, where that helps.
        payment_expires_at: unix seconds after which the payment can no longer move, where that is known and matters.
        detail: the public sentence.
        members: further members of the problem body.
        headers: headers of the answer, in order, repeats allowed.
        type: problem type URI where a rail's own specification names one; None for ours, which follows from `code`.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    payment_state: PaymentState | None = None
    retry_action: RetryAction = RetryAction.ASK_OPERATOR
    retry_after: int | None = None
    payment_expires_at: int | None = None
    detail: str
    members: Mapping[str, Any]
    headers: tuple[tuple[str, str], ...]
    type: str | None

    def __init__(
        self,
        detail: str,
        *,
        members: Mapping[str, Any] | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        retry_after: int | None = None,
        type: str | None = None,
    ) -> None:
        super().__init__(detail)
        self._set(
            detail=detail,
            members=MappingProxyType(dict(members or {})),
            headers=headers,
            retry_after=retry_after,
            type=type,
        )

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):  # traceback and cause are set when it is raised
            raise AttributeError(f"{self.__class__.__name__} is immutable: {name} cannot be set")
        super().__setattr__(name, value)

    def with_payment(self, state: PaymentState | None, expires_at: int | None = None) -> Self:
        """The same error, with another `payment_state` and `payment_expires_at`."""
        return self._copy(payment_state=state, payment_expires_at=expires_at)

    def adding(self, headers: tuple[tuple[str, str], ...] = (), members: Mapping[str, Any] | None = None) -> Self:
        """The same error, with further headers after its own, and further members."""
        added = MappingProxyType({**self.members, **(members or {})})
        return self._copy(headers=(*self.headers, *headers), members=added)

    def _set(self, **values: object) -> None:
        self.__dict__.update(values)

    def _copy(self, **changes: object) -> Self:
        copy = self.__class__.__new__(self.__class__, *self.args)
        copy._set(**{**self.__dict__, **changes})
        return copy

    @property
    def charged(self) -> bool | None:
        """False: the payment that came has moved no money and nothing of ours can still move it. True: it has moved
        or may have. None: not known."""
        if self.payment_state is None:
            return None
        # A payment spent elsewhere either paid us, which only the operator can put right, or it did not.
        return _CHARGED.get(self.payment_state, self.retry_action is RetryAction.ASK_OPERATOR)

    @property
    def retryable(self) -> bool:
        """Whether the very same request may succeed when it is sent again."""
        return self.retry_action in _RETRYABLE
