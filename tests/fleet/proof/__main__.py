"""`python -m tests.fleet.proof`: the command, and inside of the namespaces its work."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sandbox.process import ROOT, SandboxError
from tests.faults.breaks import BREAKS
from tests.faults.served_source import source_tree
from tests.fleet.proof import fleet, isolation, report
from tests.fleet.proof.acts import ALL_ACTS, SHORT, chosen
from tests.fleet.proof.run import Plan, Result, prove
from tests.fleet.proof.scale import LEVEL, measure

_SCALE_S = 40.0
_INSIDE = "PROOF_FOLDER"
"""Set inside of the namespaces: the folder in which the proof works, which the outer process removes."""


def main(
    acts: Annotated[
        str, typer.Option(help="Acts whose names hold one of these texts, by commas. All by default.")
    ] = "",
    short: Annotated[
        bool, typer.Option(help="Few acts, shorter leases, payments that expire soon: about a minute.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Buyers who arrive in a second.")] = 1.5,
    fault_s: Annotated[float | None, typer.Option(min=1, help="Seconds for which a fault lasts: 15, short 4.")] = None,
    after_s: Annotated[float | None, typer.Option(min=1, help="Seconds to watch after it: 12, short 3.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="After which no act begins.")] = 40.0,
    seed: Annotated[int, typer.Option(help="Of the buyers' choices.")] = 20,
    out: Annotated[Path, typer.Option(help="Folder for fleet.json.")] = Path("results"),
    break_: Annotated[
        str, typer.Option("--break", help="Take out a guard of tests/faults/breaks.py; the proof has to fail then.")
    ] = "",
    scale_s: Annotated[
        float,
        typer.Option(
            min=0,
            help="Instead: two and two hosts beside one and one; runners are stand-ins with these seconds a picture.",
        ),
    ] = 0.0,
    keep: Annotated[bool, typer.Option(help="Keep logs and databases also when it passes.")] = False,
) -> None:
    """Sell from a fleet of hosts in network namespaces while each of them is killed, frozen, cut off and restarted.

    Exit code 0: no promise was broken; 1: one was; 2: it could not be run.
    """
    console = Console(width=None if sys.stdout.isatty() else 160)
    inside = os.environ.pop(_INSIDE, None)
    if inside is None:
        raise typer.Exit(_outside(console, keep=keep))
    if scale_s:
        raise typer.Exit(_scale(Path(inside), scale_s, console))
    selected = chosen(acts) if acts else list(SHORT if short else ALL_ACTS)
    if not selected:
        raise typer.BadParameter(f"no act has {acts!r} in its name")
    if break_ and break_ not in BREAKS:
        raise typer.BadParameter(f"no such break; there are {', '.join(BREAKS)}")
    fault_s, after_s = fault_s or (4.0 if short else 15.0), after_s or (3.0 if short else 12.0)
    told_with = {"seed": seed, "rate": rate, "fault_s": fault_s, "after_s": after_s, "short": short, "break": break_}
    with _source(short, break_) as source:
        plan = Plan(selected, source, seed, rate, fault_s, after_s, short, minutes)
        try:
            result = asyncio.run(_told(plan, Path(inside), console))
        except SandboxError as error:
            console.print(str(error), style="red")
            raise typer.Exit(2) from error
    report.show(console, result)
    console.print(f"Written: {report.write(out, result, told_with)}")
    raise typer.Exit(1 if report.faults(result) else 0)


def _outside(console: Console, *, keep: bool) -> int:
    """Run this command again inside of namespaces; its exit code."""
    if reason := isolation.missing() or fleet.missing():
        console.print(f"The fleet cannot be proven on this machine: {reason}.", style="red")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="fleet-"))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    command = isolation.isolated([sys.executable, "-m", "tests.fleet.proof", *sys.argv[1:]])
    code = subprocess.run(
        command,
        env=os.environ | {_INSIDE: str(folder), "TMPDIR": str(folder)}, check=False,
    ).returncode  # fmt: skip
    if code or keep:
        console.print(f"Logs and databases: {folder}")
    else:
        shutil.rmtree(folder)
    return code


def _scale(folder: Path, picture_s: float, console: Console) -> int:
    found = asyncio.run(measure(folder, picture_s, _SCALE_S, console.print))
    met = found.ratio >= LEVEL
    console.print(f"ratio {found.ratio:.2f}, wanted {LEVEL}", style="green" if met else "red")
    return 0 if met else 1


@contextmanager
def _source(short: bool, broken: str) -> Iterator[Path]:
    """What ships, or for a short run a copy in which leases end sooner (tests/faults/served_source.py)."""
    if short or broken:
        with source_tree(broken or None, observed=False) as copy:
            yield copy
    else:
        yield ROOT


async def _told(plan: Plan, folder: Path, console: Console) -> Result:
    """The proof, with a line for each phase and a count of what was bought."""
    began = time.monotonic()
    with console.status("starting") as status:

        def watch(result: Result) -> None:
            console.print(f"{time.monotonic() - began:6.0f} s  {result.phase}")

        def count(result: Result) -> None:
            payments = result.history.payments
            moved, delivered = sum(each.moved for each in payments), sum(each.delivered for each in payments)
            status.update(f"{result.phase}: {len(payments)} payments, {moved} settled, {delivered} delivered")

        return await prove(plan, folder, watch, count)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
