"""python -m tests.faults: paid calls during faults of everything around the service, and the audit afterwards."""

import asyncio
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress

from sandbox.process import ROOT, SandboxError
from tests.faults import report
from tests.faults.breaks import BREAKS
from tests.faults.campaign import Plan, Watch, cases_of, run_leg, run_steps
from tests.faults.leg_run import Result, rows_of
from tests.faults.legs import LEGS, Leg, missing
from tests.faults.process_faults import ALL_FAULTS, FREEZES, KILLS
from tests.faults.served_source import source_tree

HELP = (
    "Buy while everything around the service fails, and see that no money is lost.\n\n"
    "Runs the real service on local chains, behind proxies that break its calls to the chains, the facilitator (which "
    "lies, too) and the database; freezes and kills its processes; and buys from it as the contract allows, as stock "
    "clients do, and a little worse. At the end every transfer on the chains is matched to the payment that was signed "
    "and to the picture that arrived.\n\n"
    "Exit code 0: no payment was charged without a picture, charged twice, delivered unpaid, or told an untruth about, "
    "and the run has met what it is for: settlements in doubt that had moved, others that had not, and a freeze longer "
    "than a lease. Otherwise 1; 2 when it could not run.\n\n"
    "--steps runs the deterministic part instead: each step of a sale meets each fault once (error, hang, lost reply, "
    "freeze, kill, write lock, doubt, lie), about 60 cases for each way to pay.\n\n"
    "The table goes to faults.json, the stories of payments that went wrong to faults-offenders.json, and the "
    "services' logs are kept when something went wrong. docs/faults.md says how to read them."
)
RESULTS = ROOT / "results"
ALL = ",".join(LEGS)

Calls = Annotated[
    int, typer.Option("--calls", "-n", min=10, help="Paid calls over all legs; the last phase adds some.")
]
Seed = Annotated[int | None, typer.Option(help="Repeats the choices of a campaign, though not its timing.")]
Names = Annotated[str, typer.Option(help=f"Deployments, with commas: {', '.join(LEGS)}.")]
Buyers = Annotated[int, typer.Option(min=1, max=64, help="Buyers at the same time.")]
Minutes = Annotated[float, typer.Option(help="After this time no new payment or case is begun, all legs together.")]
BreakName = Annotated[str, typer.Option("--break", help=f"Take out a guard: {', '.join(BREAKS)}. Has to be noticed.")]
Out = Annotated[Path, typer.Option(show_default="results", help="Folder for what is written.")]
Keep = Annotated[bool, typer.Option(help="Keep the services' logs and ledgers though nothing went wrong.")]
Kills = Annotated[bool, typer.Option(help="Whether processes are killed at random.")]
Freezes = Annotated[bool, typer.Option(help="Whether processes are frozen at random, for longer than a lease.")]
Steps = Annotated[bool, typer.Option("--steps", help="The deterministic part instead of the random one.")]
Only = Annotated[str, typer.Option(help="Of the deterministic part only cases whose name holds this text.")]


def main(
    calls: Calls = 100,
    seed: Seed = None,
    legs: Names = ALL,
    buyers: Buyers = 16,
    minutes: Minutes = 60,
    break_: BreakName = "",
    kills: Kills = True,
    freezes: Freezes = True,
    steps: Steps = False,
    only: Only = "",
    out: Out = RESULTS,
    keep: Keep = False,
) -> None:
    console = Console(soft_wrap=True)
    chosen = _chosen(legs, console)
    seed = secrets.randbelow(10**6) if seed is None else seed
    console.print(f"seed {seed}, {'each step' if steps else f'{calls} calls'} over {', '.join(chosen)}")
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    allowed = tuple(each for each in ALL_FAULTS if (kills and each in KILLS) or (freezes and each in FREEZES))
    try:
        with source_tree(break_ or None) as source:
            share, time_ = -(-calls // len(chosen)), minutes / len(chosen)
            plan = Plan(share, seed, buyers, time_, source, allowed)
            results = asyncio.run(_run(chosen, plan, folder, console, only if steps else None))
    except SandboxError as error:
        console.print(str(error), style="red")
        raise typer.Exit(2) from error
    except Exception as error:
        # 1 means that a promise was broken.
        console.print_exception()
        raise typer.Exit(2) from error
    code = _conclude(console, results, out, {"seed": seed, "asked": calls, "steps": steps, "break": break_ or None})
    if code or keep:
        console.print(f"Logs and ledgers: {folder}")
    else:
        shutil.rmtree(folder)
    raise typer.Exit(code)


def _chosen(legs: str, console: Console) -> list[Leg]:
    names = [name.strip() for name in legs.split(",")]
    unknown = set(names) - set(LEGS)
    if unknown:
        raise typer.BadParameter(f"no such leg: {', '.join(sorted(unknown))}")
    for leg in LEGS:
        if leg in names and (reason := missing(leg)):
            console.print(f"Leg {leg} is left out: {reason}.", style="yellow")
    return [leg for leg in LEGS if leg in names and not missing(leg)]


async def _run(legs: list[Leg], plan: Plan, folder: Path, console: Console, only: str | None) -> list[Result]:
    """`only`: of the deterministic part; None for the random part."""
    results = []
    columns = ("{task.description}", BarColumn(), "{task.completed}/{task.total}", "{task.fields[counts]}")
    with Progress(*columns, console=console, transient=True) as progress:
        for leg in legs:
            (folder / leg).mkdir()
            if only is None:
                watch = _calls_watch(progress, leg, plan.calls)
                results.append(await run_leg(leg, plan, folder / leg, watch))
            else:
                cases = [case for case in cases_of(leg) if only in str(case)]
                if not cases:
                    raise SandboxError(f"No case of the leg {leg} has {only!r} in its name.")
                watch = _cases_watch(progress, leg, len(cases))
                results.append(await run_steps(leg, cases, plan, folder / leg, watch))
    return results


def _calls_watch(progress: Progress, leg: Leg, calls: int) -> Watch:
    task = progress.add_task(leg, total=calls, counts="")

    def watch(result: Result, phase: str) -> None:
        progress.update(task, completed=result.history.paid_calls, counts=f"calls; {phase}: {_counts(result)}")

    return watch


def _cases_watch(progress: Progress, leg: Leg, cases: int) -> Watch:
    task = progress.add_task(leg, total=cases, counts="")
    told = 0

    def watch(result: Result, phase: str) -> None:
        nonlocal told
        for name, end in rows_of(result.cases[told:]):
            progress.console.print(f"{leg}: {name}: {end}")
        told = len(result.cases)
        progress.update(task, completed=told, counts=f"cases; {phase}: {_counts(result)}")

    return watch


def _counts(result: Result) -> str:
    payments, events = result.history.payments, result.history.events
    settled, delivered = sum(each.moved for each in payments), sum(each.delivered for each in payments)
    doubt = sum(each.in_doubt for each in payments)
    latest = f"; {events[-1][1]}" if events else ""
    return f"{len(payments)} payments, {settled} settled, {delivered} delivered, {doubt} in doubt{latest}"


def _conclude(console: Console, results: list[Result], out: Path, told_with: dict[str, object]) -> int:
    report.show(console, results)
    console.print(f"Written: {report.write(out, results, told_with)}")
    passed = report.passed(results)
    if stories := report.write_stories(out, results):
        console.print(f"Stories of the payments that went wrong: {stories}", style="red")
    if told_with["break"]:
        console.print("not noticed" if passed else "noticed", style="red" if passed else "green")
    return 0 if passed else 1


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=HELP)(main)
    app()
