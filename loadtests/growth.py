"""Growth of a long run: what each process holds and how long requests take, at its end and when it was warm."""

from collections.abc import Iterable, Iterator
from statistics import median
from typing import Any

from loadtests.profile import Growth
from loadtests.run import SHED, PhaseRun

OURS = ("supervisor", "API worker", "runner", "decoder")
_FIGURES = ((0, "memory", "MB"), (2, "open files", ""), (3, "threads", ""))


def grown(run: PhaseRun, limits: Growth) -> list[str]:
    """What has grown more than is allowed, one sentence each."""
    windows = _windows(run, limits)
    return [*_processes(run, limits, windows), *_waits(run, limits, windows)]


def table(run: PhaseRun, limits: Growth) -> list[tuple[str, float, float, float, float, float, float]]:
    """Of each process of the service: memory, files and threads when it was warm and at the end."""
    windows = _windows(run, limits)
    rows = []
    for name in _names(run):
        figures = [_median(run, name, column, window) for column, *_ in _FIGURES for window in windows]
        if None not in figures:
            rows.append((name, *(each or 0.0 for each in figures)))
    return rows  # type: ignore[return-value]  # six figures


Window = tuple[float, float]


def _windows(run: PhaseRun, limits: Growth) -> tuple[Window, Window]:
    """Begin and end in unix seconds: the first window after the service was warm, and the last one of the phase."""
    warm = run.began + limits.settled_s
    return (warm, warm + limits.window_s), (run.ended - limits.window_s, run.ended)


def _processes(run: PhaseRun, limits: Growth, windows: tuple[Window, Window]) -> Iterator[str]:
    allowed = (limits.memory_mb, limits.files, limits.threads)
    names = _names(run)
    if not names:
        yield "no process of the service was seen"
    for name in names:
        for (column, figure, unit), most in zip(_FIGURES, allowed, strict=True):
            first, last = (_median(run, name, column, window) for window in windows)
            if first is None or last is None:
                yield f"{name}: did not live through the run"
                break
            if last - first > most:
                yield f"{name}: {figure} grew from {first:.0f} to {last:.0f} {unit}".rstrip() + f", {most:g} allowed"


def _waits(run: PhaseRun, limits: Growth, windows: tuple[Window, Window]) -> Iterator[str]:
    classes = {row[1] for row in run.requests if not row[3] and not row[1].endswith(SHED)}
    for name in sorted(classes):
        first, last = (
            _middle(row[2] for row in run.requests if row[1] == name and not row[3] and begin <= row[0] < end)
            for begin, end in windows
        )
        if first is None or last is None:
            continue
        if last > limits.latency_ratio * first and last > first + limits.latency_ms:
            yield f"{name}: median wait grew from {first:.0f} to {last:.0f} ms, {limits.latency_ratio:g} times allowed"


def _names(run: PhaseRun) -> list[str]:
    """Processes of the service that were seen at any time."""
    return sorted({name for row in run.samples for name in row["processes"] if name.startswith(OURS)})


def _median(run: PhaseRun, name: str, column: int, window: Window) -> float | None:
    begin, end = window
    rows: list[dict[str, Any]] = [row for row in run.samples if begin <= row["at"] < end]
    return _middle(row["processes"][name][column] for row in rows if name in row["processes"])


def _middle(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None
