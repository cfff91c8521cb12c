"""Runs as the load tests keep them, made up."""

from typing import Any

from loadtests.money import Money
from loadtests.profile import Phase, Profile
from loadtests.run import PhaseRun, Run

BEGAN = 1_800_000_000.0
PRICE = 50_000

Row = tuple[float, str, float, str]


def requests(name: str, *waits_ms: float, every_s: float = 1.0, fault: str = "") -> list[Row]:
    """One request after the other, the first at the beginning."""
    return [(BEGAN + number * every_s, name, ms, fault) for number, ms in enumerate(waits_ms)]


def deliveries(rail: str, number: int, *, transactions: int | None = None) -> list[Any]:
    """Pictures with a receipt each; with `transactions`, some of them share one."""
    distinct = number if transactions is None else transactions
    return [[BEGAN + each, rail, f"0x{rail}{each % distinct}", 2.0, "infer;dur=70.0"] for each in range(number)]


def samples(name: str, *figures: tuple[float, float, int, int], every_s: float = 1.0) -> list[dict[str, Any]]:
    """Looks at one process: megabytes, CPU seconds, files, threads."""
    return [
        {
            "at": BEGAN + number * every_s,
            "processes": {name: list(each)},
            "counted": {"pictures": number, "batches": number},
        }
        for number, each in enumerate(figures)
    ]


def phase_run(rows: list[Row], sold: list[Any] | None = None, **parts: Any) -> PhaseRun:
    """A phase of ten seconds, unless `parts` say otherwise."""
    phase = parts.pop("phase", Phase(name="phase", seconds=10, users={"x402-v2": 1}))
    given = {"samples": [], "unresolved": [], "broken": [], "prices": [PRICE] if sold else []} | parts
    return PhaseRun(phase=phase, began=BEGAN, arrivals={}, requests=list(rows), deliveries=sold or [], **given)


def a_run(*phases: PhaseRun, money: Money | None = None, **profile: Any) -> Run:
    """A run of these phases by a profile with these parts."""
    ordered = Profile(about="made up", phases=tuple(each.phase for each in phases), **profile)
    machine = {"cpu": "none", "cpus": 2, "memory_gb": 8.0, "load_average": 1.0}
    return Run("made up", ordered, BEGAN, machine, list(phases), money or Money())
