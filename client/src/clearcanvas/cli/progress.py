"""Shows a run: a line for each picture, and on a terminal a progress bar."""

from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clearcanvas.batch import Result
from clearcanvas.client import Outcome
from clearcanvas.money import dollars
from clearcanvas.stages import Stage

_BUSY = {
    Stage.QUOTED: "signing",
    Stage.RECORDED: "paying",
    Stage.WAITING: "waiting to resend",
    Stage.ANSWERED: "saving",
}


class Display:
    """Shows the run of `total` pictures on `console`."""

    def __init__(self, console: Console, total: int) -> None:
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._console = console
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def observe(self, name: str, stage: Stage) -> None:
        """A step of a purchase."""
        if stage in _BUSY:
            self._progress.update(self._task, description=escape(f"{name}: {_BUSY[stage]}"))

    def say(self, text: str) -> None:
        """A line about the whole run."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def report(self, result: Result) -> None:
        """A picture is finished."""
        self._progress.advance(self._task)
        self._console.print(_line(result), highlight=False, soft_wrap=True)


def _line(result: Result) -> str:
    source, target = escape(str(result.job.source)), escape(str(result.job.target))
    if result.outcome is None:
        return f"[red]failed[/]  {source}: {escape(str(result.error))}"
    paid = f", {dollars(result.amount)}" if result.outcome is Outcome.BOUGHT else ""
    return f"[green]{result.outcome}[/]  {source} -> {target}{paid}"
