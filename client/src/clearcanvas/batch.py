"""Buys many pictures, several at a time."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clearcanvas.client import AsyncClient, Outcome
from clearcanvas.errors import BudgetExhausted, CannotBuy, ClearCanvasError, OutcomeUnknown
from clearcanvas.selection import Job

_WORST_FIRST = (OutcomeUnknown, BudgetExhausted, CannotBuy)


@dataclass(frozen=True)
class Result:
    """The result of one picture: an outcome or an error; neither if the run stopped before its turn.

    Attributes:
        amount: base units of its payment, in this run or an earlier one.
    """

    job: Job
    outcome: Outcome | None = None
    amount: int = 0
    error: ClearCanvasError | None = None


async def buy_all(
    client: AsyncClient,
    jobs: Sequence[Job],
    options: Mapping[str, str],
    *,
    workers: int,
    overwrite: bool,
    report: Callable[[Result], None],
) -> list[Result]:
    """Buy each job's picture. The results are in the order of completion; `report` receives each one at once.

    An error that the next picture would raise as well stops the run: jobs not begun have neither outcome nor error.
    """
    waiting, results = deque(jobs), list[Result]()

    async def work() -> None:
        while waiting:
            result = await _buy(client, waiting.popleft(), options, overwrite=overwrite)
            results.append(result)
            report(result)
            if result.error is not None and result.error.stops_the_run:
                waiting.clear()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(workers, len(jobs))):
            group.create_task(work())
    done = {result.job for result in results}
    return results + [Result(job) for job in jobs if job not in done]


def exit_code(results: Sequence[Result]) -> int:
    """0 if every picture has its result; otherwise the code of the most serious error."""
    errors = [result.error for result in results if result.error is not None]
    for kind in _WORST_FIRST:
        if any(isinstance(error, kind) for error in errors):
            return kind.exit_code
    return max((error.exit_code for error in errors), default=0)


async def _buy(client: AsyncClient, job: Job, options: Mapping[str, str], *, overwrite: bool) -> Result:
    try:
        cut_out = await client.remove_background_file(job.source, job.target, options, overwrite=overwrite)
    except ClearCanvasError as error:
        return Result(job, error=error)
    return Result(job, cut_out.outcome, cut_out.receipt["amount"])  # not the picture: a run may have thousands
