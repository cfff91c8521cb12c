"""python -m tests.siege: attack a running service while a buyer pays, and check the service levels.

Limited in time, and on loopback only; `python -m tests.siege overload` runs only the last case.
Exit code 0: every level was met; 1: one was missed.
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
from tests.siege.attacks import ATTACKS, running_attack
from tests.siege.bursts import burst, during_big_images, sweep
from tests.siege.measure import Measurement, measure_during, resource_use

PURCHASES = 20
BURST = 300
MAX_SLOWDOWN = 3.0
MIN_SHARE_OF_BEST = 0.9
RECOVERY_S = 5.0
RETRY_S = 30.0
MAX_P95_DURING_BIG_S = 5.0
MAX_MEGABYTES = 3000.0


class Report:
    """Collects the rows and the missed levels."""

    def __init__(self) -> None:
        self.table = Table("case", "buyer's p95", "failures", "MB", "descriptors", "outcomes", "level")
        self.missed: list[str] = []

    def row(self, case: str, seen: Measurement, *, met: bool) -> None:
        """Add one case."""
        self.table.add_row(
            case,
            f"{seen.p95_s:.2f} s",
            str(seen.failures),
            f"{seen.megabytes:.0f}",
            str(seen.descriptors),
            ", ".join(f"{name} {count}" for name, count in seen.outcomes.items()),
            "met" if met else "missed",
        )
        if not met:
            self.missed.append(case)


async def siege(service: RunningService, report: Report, console: Console) -> None:
    """Run all cases in sequence."""
    quiet = await measure_during(service, purchases=PURCHASES)
    report.row("undisturbed", quiet, met=not quiet.failures)
    for name, attack in ATTACKS.items():
        async with running_attack(attack, service.url):
            seen = await measure_during(service, purchases=PURCHASES)
        report.row(name, seen, met=not seen.failures and seen.p95_s <= MAX_SLOWDOWN * quiet.p95_s)
        console.print(f"{name}: done")
        await asyncio.sleep(2)
    seen, outcomes = await during_big_images(service, purchases=PURCHASES)
    met = seen.p95_s <= MAX_P95_DURING_BIG_S and seen.megabytes <= MAX_MEGABYTES and not seen.failures
    report.row(f"four of 100 MP ({dict(outcomes)})", seen, met=met)
    await overloaded(service, report)


async def overloaded(service: RunningService, report: Report) -> None:
    """Far more concurrent buyers than can be served; each retries as told for half a minute."""
    best, best_of_cpu = await sweep(service)
    result = await burst(service, BURST, retry_s=RETRY_S)
    met = set(result.outcomes) <= {"sold", "overloaded"}
    met &= result.sold_per_s >= MIN_SHARE_OF_BEST * best and result.recovered_s <= RECOVERY_S
    case = (
        f"{BURST} at once: {result.sold_per_s:.1f}/s of {best:.1f}/s, {result.sold_per_cpu_s:.1f} of {best_of_cpu:.1f} "
        f"for each second of CPU, well after {result.recovered_s:.1f} s"
    )
    megabytes, descriptors = resource_use(service)
    report.row(case, Measurement(result.seconds, result.outcomes, megabytes, descriptors), met=met)


@contextmanager
def served() -> Iterator[RunningService]:
    """A service with one API worker on its own chains."""
    with (
        base_chain() as base,
        tempo_chain() as tempo,
        tempfile.TemporaryDirectory() as folder,
        run_service(base, tempo, Path(folder), {"CLEARCANVAS_WORKERS": "1"}) as service,
    ):
        yield service


def main() -> int:
    """Run, print the table and the missed levels."""
    console, report = Console(soft_wrap=True, highlight=False, stderr=True), Report()
    with served() as service:
        try:
            asyncio.run(overloaded(service, report) if "overload" in sys.argv else siege(service, report, console))
        finally:
            console.print(report.table)
    console.print(f"Missed: {', '.join(report.missed)}." if report.missed else "Every level was met.")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
