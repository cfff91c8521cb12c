"""`python -m loadtests run mix`: load a service by a profile, judge it, and write a report."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loadtests.drive import DriveError, drive
from loadtests.gate import kept, misses
from loadtests.profile import Profile, ProfileError, names
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
    for sentence in seen.missed:
        say.print(f"MISSED  {sentence}")
    if not seen.missed:
        say.print(f"KEPT    {kept(seen.profile)}")
    return 1 if seen.missed else 0


if __name__ == "__main__":
    app()
