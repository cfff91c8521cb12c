"""Runs synchronous code that waits for coroutines of its own event loop, without a thread.

The code runs in a greenlet, which is suspended while a coroutine is awaited. A thread would need many times the CPU
time, and could not be cancelled.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # ships no types

T = TypeVar("T")


async def run(call: Callable[..., T], *args: Any) -> T:
    """Run synchronous code, which may call `wait_for`. A cancellation is raised in `wait_for`."""
    code = greenlet(call)
    code.gr_context = getcurrent().gr_context  # the same context variables
    given = code.switch(*args)
    while not code.dead:
        try:
            answer = await given
        except BaseException as error:  # noqa: BLE001 - raised in the code
            given = code.throw(error)
        else:
            given = code.switch(answer)
    return cast(T, given)


def wait_for(question: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine; for use in `run` only."""
    return cast(T, getcurrent().parent.switch(question))
