"""The next step's samples are made while the network learns from this step's, for neither keeps all cores busy."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from training.matting.synthesis import Batch, Synthesis

Wanted = tuple[int, int, int]
"""Step, pictures and side."""


class Prefetch:
    """Gives the same batches as `Synthesis` does; to be closed by leaving its context."""

    def __init__(self, synthesis: Synthesis):
        self._synthesis = synthesis
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="samples")
        self._next: tuple[Wanted, Future[Batch]] | None = None

    def batch(self, step: int, count: int, side: int) -> Batch:
        """The samples of a step; those of the step after it, if it wants as many of that side, are begun."""
        wanted = step, count, side
        made = self._next[1] if self._next and self._next[0] == wanted else self._begin(*wanted)
        batch = made.result()
        self._next = (step + 1, count, side), self._begin(step + 1, count, side)
        return batch

    def _begin(self, step: int, count: int, side: int) -> Future[Batch]:
        return self._thread.submit(self._synthesis.batch, step, count, side)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
