"""`drain`: stops a service of this host after its sales have ended."""

from collections.abc import Sequence
from typing import Annotated

import psutil
import typer

from ops.access import Yes, confirm, fail


def drain(
    pid: Annotated[
        int | None, typer.Argument(help="Process id of `bentoml serve`. Default: the only one of this host.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait until it has ended.")] = 150.0,
    yes: Yes = False,
) -> None:
    """Tell a service of this host or container to stop selling (SIGTERM), and wait until its sales have ended.

    The service refuses new images immediately, settles payments in progress, and charges for nothing undelivered. A
    process manager may restart it: in Docker use `docker stop --time 150`, in Kubernetes scale to 0.
    """
    service = _service(pid)
    confirm(f"Stop process {service.pid}?", yes=yes)
    service.terminate()
    typer.echo("The service is stopping; sales in progress end first.")
    try:
        service.wait(timeout)
    except psutil.TimeoutExpired:
        fail(f"It did not end within {timeout:.0f} s. Its log says what it waits for.")
    typer.echo("It has ended.")


def _service(pid: int | None) -> psutil.Process:
    """The process. Ends the command if there is none, or if there are several and `pid` is None."""
    found = {each.pid: each for each in psutil.process_iter(["cmdline"]) if _serves(each.info["cmdline"] or ())}
    if pid is not None and pid not in found:
        fail(f"Process {pid} is not a service: its command must be `bentoml serve`.")
    if not found:
        fail("No service runs here: there is no process `bentoml serve`.")
    if pid is None and len(found) > 1:
        fail(f"Several services run here. Name one: {', '.join(map(str, found))}.")
    return found[pid] if pid is not None else next(iter(found.values()))


def _serves(command: Sequence[str]) -> bool:
    names = [word.rpartition("/")[2] for word in command[:3]]  # an interpreter may precede it
    return "bentoml" in names and "serve" in command
