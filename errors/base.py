"""The base of all errors: the fault, the state of the payment, and the buyer's next step."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar, Self


class PaymentState(StrEnum):
    """The state of the request's payment at the moment of the response."""

    NONE = "none"
    """The request contained no payment."""
    UNUSED = "unused"
    """It has moved no money, and this service can no longer move it."""
    IN_FLIGHT = "in_flight"
    """It may move money, or may have moved it."""
    SETTLED = "settled"
    """It has paid us, and is in the ledger."""
    SPENT_ELSEWHERE = "spent_elsewhere"
    """The chain shows it as used, and this ledger did not use it."""


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
    """Change the request; the payment may stay the same."""
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
    """One refusal as a problem (RFC 9457). Immutable: `with_payment` and `adding` return a changed copy, to be raised
    `from` the original.

    Attributes:
        status, code, title: the HTTP status, the stable machine-readable name and its English title.
        payment_state: of the request's payment; None if it is not known (yet).
        retry_action: the buyer's next step. `charged` and `retryable` follow from these two.
        retry_after: whole seconds to wait before the next step, if waiting helps.
        payment_expires_at: unix seconds after which the payment can no longer move money, if known and useful.
        detail: the public sentence.
        members: further members of the problem body.
        headers: response headers, in order, repeats allowed.
        type: problem type URI of a rail's specification; None for our own types, which follow from `code`.
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
        """A copy with this `payment_state` and `payment_expires_at`."""
        return self._copy(payment_state=state, payment_expires_at=expires_at)

    def adding(self, headers: tuple[tuple[str, str], ...] = (), members: Mapping[str, Any] | None = None) -> Self:
        """A copy with further headers after its own, and further members."""
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
        """False: the payment has moved no money, and this service can no longer move it. True: it has moved money or
        may have. None: not known."""
        if self.payment_state is None:
            return None
        # A payment spent elsewhere has paid us exactly if the buyer is referred to the operator.
        return _CHARGED.get(self.payment_state, self.retry_action is RetryAction.ASK_OPERATOR)

    @property
    def retryable(self) -> bool:
        """Whether the identical request may succeed if it is sent again."""
        return self.retry_action in _RETRYABLE
