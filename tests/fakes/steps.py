"""Counts the calls that a sale makes of its parts, and breaks a chosen one."""

from collections.abc import Callable
from enum import Enum
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Crash(BaseException):
    """The process is dead: nothing catches this, and nothing that follows it takes effect."""


class Moment(Enum):
    """When a call breaks: before it took effect, or after, with its reply lost."""

    BEFORE = "before"
    AFTER = "after"


class Steps:
    """Wraps parts so that their coroutines are numbered in the order of their calls, from 0.

    Args:
        break_at: number of the call that fails; None for none.
        moment: whether it takes effect first.
        fault: makes what it raises; after a `Crash` every further call raises it too.
    """

    def __init__(
        self, break_at: int | None, moment: Moment = Moment.BEFORE, fault: Callable[[], BaseException] = Crash
    ) -> None:
        self.names: list[str] = []
        self._break_at = break_at
        self._moment = moment
        self._fault = fault
        self._dead = False

    def through(self, part: T) -> T:
        """The part, with its coroutines counted."""
        return cast(T, _Watched(part, self))

    async def step(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one call, or break it."""
        if self._dead:
            raise Crash
        broken = len(self.names) == self._break_at
        self.names.append(name)
        if broken and self._moment is Moment.BEFORE:
            raise self._break()
        result = await call()
        if broken:
            raise self._break()
        return result

    def _break(self) -> BaseException:
        fault = self._fault()
        self._dead = isinstance(fault, Crash)
        return fault


class _Watched:
    def __init__(self, part: object, steps: Steps) -> None:
        self._part = part
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._part, name)
        if not iscoroutinefunction(attribute):
            return attribute
        return lambda *args, **kwargs: self._steps.step(name, lambda: attribute(*args, **kwargs))
