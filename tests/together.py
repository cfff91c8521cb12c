"""Processes of their own that begin something at the same moment.

They are forked from one process that has imported the ledger already, which would take each of them half a second.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Barrier
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_barriers: list[Barrier] = []


def run_together(work: Callable[P, T], processes: int, timeout_s: float, *args: P.args, **kwargs: P.kwargs) -> list[T]:
    """What `work` returns in each of these processes. It calls `wait_for_others` where all are to begin."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.storage.racers"])
    barrier = context.Barrier(processes, timeout=timeout_s)
    with ProcessPoolExecutor(processes, context, initializer=_join, initargs=(barrier,)) as pool:
        begun = [pool.submit(work, *args, **kwargs) for _ in range(processes)]
        return [each.result(timeout_s) for each in begun]


def _join(barrier: Barrier) -> None:
    _barriers.append(barrier)


def wait_for_others() -> None:
    """Block until all processes are here. Each of them runs one `work`, so none has begun before."""
    _barriers[-1].wait()
