"""Something to sell that refuses on demand."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.types import Scope

from payments.order import Order
from tests.fakes.seller import order


class ScriptedResource:
    """`payments.middleware.PaidResource`; a request's `X-Body` is what it orders.

    `unavailable` is what cannot be made at present; `invalid` and `rejecting` hold what the next validations and
    admissions raise. `on_release` is called with each release.
    """

    def __init__(self, on_release: Callable[[], None] = lambda: None) -> None:
        self.unavailable: Exception | None = None
        self.invalid: list[Exception] = []
        self.rejecting: list[Exception] = []
        self._on_release = on_release

    def order(self, scope: Scope) -> Order:
        return order(Request(scope).headers.get("x-body", "").encode())

    def check_available(self, scope: Scope) -> None:
        if self.unavailable:
            raise self.unavailable

    def validate_unpaid(self, scope: Scope) -> None:
        if self.invalid:
            raise self.invalid.pop()

    async def admit(self, scope: Scope) -> float | None:
        if self.rejecting:
            raise self.rejecting.pop()
        return None

    async def complete(self, scope: Scope) -> Order:
        return self.order(scope)

    def release(self, scope: Scope) -> None:
        self._on_release()
