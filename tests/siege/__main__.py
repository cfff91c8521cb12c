"""python -m tests.siege: attack a whole service beside a paying buyer, and see whether the levels are kept.

Bounded, and on loopback only; `python -m tests.siege overload` runs the last case alone.
Exit code 0: every level was kept; 1: one was missed.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.chains import base_chain, tempo_chain
from tests.running_service import RunningService, run_service
from tests.siege.attacks import ATTACKS, under
from tests.siege.bursts import at_once, beside_big_ones, sweep
from tests.siege.measure import Seen, taken, watched

PURCHASES = 20
BURST = 300
MOST_TIMES = 3.0
OF_BEST = 0.9
RECOVERY_S = 5.0
INSIST_S = 30.0
BESIDE_BIG_S = 5.0
MOST_MEGABYTES = 3000.0


class Report:
    """Collects rows and what was missed."""

    def __init__(self) -> None:
        self.table = Table("case", "buyer's p95", "failures", "MB", "descriptors", "heard", "level")
        self.missed: list[str] = []

    def row(self, case: str, seen: Seen, *, kept: bool) -> None:
        """One case."""
        self.table.add_row(
            case,
            f"{seen.p95_s:.2f} s",
            str(seen.failures),
            f"{seen.megabytes:.0f}",
            str(seen.descriptors),
            ", ".join(f"{name} {count}" for name, count in seen.heard.items()),
            "kept" if kept else "missed",
        )
        if not kept:
            self.missed.append(case)


async def siege(service: RunningService, report: Report, console: Console) -> None:
    """All cases, one after the other."""
    quiet = await watched(service, purchases=PURCHASES)
    report.row("undisturbed", quiet, kept=not quiet.failures)
    for name, attack in ATTACKS.items():
        async with under(attack, service.url):
            seen = await watched(service, purchases=PURCHASES)
        report.row(name, seen, kept=not seen.failures and seen.p95_s <= MOST_TIMES * quiet.p95_s)
        console.print(f"{name}: done")
        await asyncio.sleep(2)
    seen, heard = await beside_big_ones(service, purchases=PURCHASES)
    kept = seen.p95_s <= BESIDE_BIG_S and seen.megabytes <= MOST_MEGABYTES and not seen.failures
    report.row(f"four of 100 MP ({dict(heard)})", seen, kept=kept)
    await overloaded(service, report)


async def overloaded(service: RunningService, report: Report) -> None:
    """Far more buyers at once than can be served; each comes again when it was told to, for half a minute."""
    best, best_of_cpu = await sweep(service)
    burst = await at_once(service, BURST, insist_s=INSIST_S)
    kept = set(burst.heard) <= {"sold", "overloaded"}
    kept &= burst.sold_per_s >= OF_BEST * best and burst.recovered_s <= RECOVERY_S
    case = (
        f"{BURST} at once: {burst.sold_per_s:.1f}/s of {best:.1f}/s, {burst.sold_per_cpu_s:.1f} of {best_of_cpu:.1f} "
        f"for each second of CPU, well after {burst.recovered_s:.1f} s"
    )
    megabytes, descriptors = taken(service)
    report.row(case, Seen(burst.seconds, burst.heard, megabytes, descriptors), kept=kept)


@contextmanager
def served() -> Iterator[RunningService]:
    """A service with one API worker on chains of its own."""
    with (
        base_chain() as base,
        tempo_chain() as tempo,
        tempfile.TemporaryDirectory() as folder,
        run_service(base, tempo, Path(folder), {"CLEARCANVAS_WORKERS": "1"}) as service,
    ):
        yield service


def main() -> int:
    """Run, print the table, say what was missed."""
    console, report = Console(soft_wrap=True, highlight=False, stderr=True), Report()
    with served() as service:
        try:
            asyncio.run(overloaded(service, report) if "overload" in sys.argv else siege(service, report, console))
        finally:
            console.print(report.table)
    console.print(f"Missed: {', '.join(report.missed)}." if report.missed else "Every level was kept.")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
