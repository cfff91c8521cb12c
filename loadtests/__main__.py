"""`python -m loadtests quotes`, `python -m loadtests paid --buyers 4`: locust without its web page, and a verdict."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from loadtests.config import QUOTES, Load, paid

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
app = typer.Typer(add_completion=False, help="Load a running service and judge it: exit code 1 when a bound is missed.")

Url = Annotated[str, typer.Option(help="Where the service runs.")]
Seconds = Annotated[int | None, typer.Option(help="How long; the load's own time by default.")]
AtMost = Annotated[float | None, typer.Option(help="Milliseconds allowed instead of the load's own bounds.")]


@app.command("quotes")
def quotes(url: Url = "http://127.0.0.1:3000", seconds: Seconds = None, at_most: AtMost = None) -> None:
    """Twenty empty requests a second, answered by 402."""
    _run(QUOTES, url, seconds, at_most)


@app.command("paid")
def paid_(
    buyers: Annotated[int, typer.Option(help="How many buy at the same time.")] = 1,
    url: Url = "http://127.0.0.1:3000",
    seconds: Seconds = None,
    at_most: AtMost = None,
) -> None:
    """Cut-outs of a 2-megapixel photo, bought on both rails of a running sandbox."""
    _run(paid(buyers), url, seconds, at_most)


def _run(load: Load, url: str, seconds: int | None, at_most: float | None) -> None:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), load.user, "--headless", "--only-summary"]
    command += ["--host", url, "-u", str(load.users), "-r", str(load.users)]
    command += ["-t", f"{seconds or load.seconds}s", "--stop-timeout", "30"]
    for bound in load.bounds:
        command += ["--at-most", bound.name, str(bound.percentile), str(at_most or bound.milliseconds)]
    print(shlex.join(command), flush=True)  # noqa: T201 - so that it can be varied by hand
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    app()
