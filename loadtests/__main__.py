"""`python -m loadtests run mix`: load a service by a profile, judge it, and write a report."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from loadtests.drive import DriveError, drive
from loadtests.gate import kept, misses
from loadtests.profile import Profile, ProfileError, names
from loadtests.report import PERCENTILES, class_rows, facts, number
from loadtests.report import compare as write_comparison
from loadtests.report import report as write_report
from loadtests.run import Run
from loadtests.target import SERVICE
from sandbox.process import SandboxError

RESULTS = Path("results/load")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help=__doc__)
say = Console(soft_wrap=True, highlight=False)


@app.callback()
def _root() -> None:
    """Load a service on this machine."""


@app.command("run")
def run_(
    profile: Annotated[str, typer.Argument(help=f"One of {', '.join(names())}, or the path of a TOML file.")],
    url: Annotated[str | None, typer.Option(help="A sandbox that is running; otherwise one is started.")] = None,
    hours: Annotated[float | None, typer.Option(help="How long the last phase lasts.")] = None,
    seconds: Annotated[float | None, typer.Option(help="The same in seconds.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; by default a new one in results/load/.")
    ] = None,
    service: Annotated[str, typer.Option(help="What `bentoml serve` is told.")] = SERVICE,
) -> None:
    """Load, judge, report. Exit code 1: something was missed; 2: the load could not be made."""
    try:
        ordered = Profile.load(profile)
        if hours or seconds:
            ordered = ordered.lasting(seconds or (hours or 0) * 3600)
        name = Path(profile).stem
        folder = out or RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        folder.mkdir(parents=True, exist_ok=True)
        seen = drive(ordered, name, folder=folder, url=url, service=service, say=say)
    except (ProfileError, SandboxError, DriveError) as error:
        say.print(str(error), style="red")
        raise typer.Exit(2) from error
    raise typer.Exit(_conclude(seen, folder))


def _conclude(seen: Run, folder: Path) -> int:
    seen.missed = misses(seen)
    seen.write(folder)
    write_report(seen, folder / "report.html")
    say.print(_requests(seen), _figures(seen), sep="\n")
    for sentence in seen.missed:
        say.print(f"MISSED  {sentence}")
    if not seen.missed:
        say.print(f"KEPT    {kept(seen.profile)}")
    say.print(f"Report: {folder / 'report.html'}")
    return 1 if seen.missed else 0


def _requests(seen: Run) -> Table:
    table = Table("requests", "served", "failed", *(f"p{each}, ms" for each in PERCENTILES))
    for row in class_rows(seen):
        table.add_row(row.name, str(row.served), str(row.failed), *map(number, row.percentiles))
    return table


def _figures(seen: Run) -> Table:
    table = Table("figure", "")
    for name, value in facts(seen).items():
        table.add_row(name, number(value))
    return table


@app.command("report")
def report_(run: Annotated[Path, typer.Argument(help="Folder of a run.")]) -> None:
    """Judge a run that was kept once more, and write its report anew."""
    raise typer.Exit(_conclude(Run.read(run), run))


@app.command("compare")
def compare_(
    first: Annotated[Path, typer.Argument(help="Folder of a run.")],
    second: Annotated[Path, typer.Argument(help="Folder of another one.")],
    out: Annotated[Path, typer.Option(help="The page that is written.")] = RESULTS / "compare.html",
) -> None:
    """Compare two runs: a table here, and a page with plots."""
    out.parent.mkdir(parents=True, exist_ok=True)
    table = Table("figure", "A", "B", "B / A")
    for row in write_comparison(Run.read(first), Run.read(second), out):
        table.add_row(*row)
    say.print(table)
    say.print(f"Page: {out}")


if __name__ == "__main__":
    app()
