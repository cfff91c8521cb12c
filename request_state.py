"""Typed access to the values in the ASGI scope's `state`, which middlewares share within one request."""

from collections.abc import Callable, MutableMapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Scope = MutableMapping[str, Any]


class StateKey(Generic[T]):
    """The name of a value in a request's state, with the value's type."""

    def __init__(self, name: str) -> None:
        self._name = name

    def of(self, scope: Scope) -> T:
        """The value. Raises KeyError if it is not set."""
        value: T = scope["state"][self._name]
        return value

    def get(self, scope: Scope) -> T | None:
        """The value, or None."""
        value: T | None = scope.get("state", {}).get(self._name)
        return value

    def put(self, scope: Scope, value: T) -> None:
        """Set the value."""
        scope.setdefault("state", {})[self._name] = value

    def once(self, scope: Scope, make: Callable[[], T]) -> T:
        """The value; created on first use."""
        if self._name not in scope.setdefault("state", {}):
            self.put(scope, make())
        return self.of(scope)

    def take(self, scope: Scope) -> T | None:
        """Remove the value and return it; None if it is not set."""
        value: T | None = scope.get("state", {}).pop(self._name, None)
        return value
