"""The plots of a report, as SVG for an HTML page."""

from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import numpy as np
from matplotlib import pyplot

from loadtests.report import figures
from loadtests.run import Run

mpl.rcParams.update(
    {
        "font.size": 9,
        "font.family": "sans-serif",
        "svg.fonttype": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.prop_cycle": mpl.rcsetup.cycler(color=pyplot.get_cmap("tab20").colors),  # type: ignore[attr-defined]
        "grid.alpha": 0.25,
        "legend.frameon": False,
    }
)
_SIZE = (9.5, 3.2)
_BINS = 120


def plots(run: Run) -> list[tuple[str, str]]:
    """Title and SVG of each; without samples of processes those of processes are left out."""
    drawn: list[tuple[str, Callable[..., None]]] = [
        ("Latency over time (served requests)", _latency),
        ("Latency by percentile", _percentiles),
        ("Throughput", _throughput),
    ]
    if figures.process_names(run):
        drawn += [
            ("Batches: pictures per inference call", _batches),
            ("Queue", _queue),
            ("Stages of a paid request, mean by phase", _stages),
            ("CPU per process, cores", _cpu),
            ("Resident memory per process, MB", _column(0)),
            ("Open files per process", _column(2)),
            ("Threads per process", _column(3)),
        ]
    return [(title, _svg(partial(draw, run=run))) for title, draw in drawn]


def compared(runs: tuple[Run, Run]) -> list[tuple[str, str]]:
    """Percentile curves of each class that both runs have."""
    first, second = (figures.waits(run) for run in runs)
    drawn = []
    for name in sorted(first.keys() & second.keys()):

        def draw(panel: Any, name: str = name) -> None:
            for label, found in (("A", first), ("B", second)):
                _curve(panel, label, found[name][1])
            _wait_axis(panel)

        drawn.append((name, _svg(draw)))
    return drawn


def _svg(draw: Callable[[Any], None]) -> str:
    figure, panel = pyplot.subplots(figsize=_SIZE)
    draw(panel)
    _, labels = panel.get_legend_handles_labels()
    if labels:
        panel.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    file = StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return file.getvalue()[file.getvalue().index("<svg") :]


def _time_axis(panel: Any, run: Run) -> None:
    panel.set_xlabel("seconds")
    panel.set_xlim(left=0)
    for phase in run.phases:
        begin = phase.began - run.origin
        panel.axvline(begin, color="0.6", linewidth=0.8, linestyle=":")
        panel.annotate(phase.phase.name, (begin, 1.0), xycoords=("data", "axes fraction"), fontsize=7, color="0.4")


def _latency(panel: Any, run: Run) -> None:
    for name, (at, ms) in figures.waits(run).items():
        panel.plot(at, ms, ".", markersize=3, label=name, rasterized=len(at) > 500)
    panel.set_yscale("log")
    panel.set_ylabel("ms")
    _time_axis(panel, run)


def _percentiles(panel: Any, run: Run) -> None:
    for name, (_, ms) in figures.waits(run).items():
        _curve(panel, f"{name} ({len(ms)})", ms)
    _wait_axis(panel)


def _curve(panel: Any, label: str, ms: Any) -> None:
    shares = np.linspace(0, 100, 201)
    panel.plot(shares, np.percentile(ms, shares), label=label)


def _wait_axis(panel: Any) -> None:
    panel.set_yscale("log")
    panel.set_xlabel("percentile")
    panel.set_ylabel("ms")


def _throughput(panel: Any, run: Run) -> None:
    lasted = max(phase.ended for phase in run.phases) - run.origin
    middles, series = figures.throughput(run, max(1.0, lasted / _BINS))
    for name, values in series.items():
        panel.step(middles, values, where="mid", label=name)
    panel.set_ylabel("per second")
    panel.set_ylim(bottom=0)
    _time_axis(panel, run)


def _batches(panel: Any, run: Run) -> None:
    at, sizes = figures.batch_sizes(run)
    panel.plot(at, sizes, ".", markersize=4)
    panel.set_ylim(bottom=0)
    _time_axis(panel, run)


def _queue(panel: Any, run: Run) -> None:
    for name in ("in flight", "waiting in the runner", "seconds until a start"):
        panel.step(*figures.gauge(run, name), where="post", label=name)
    panel.set_ylim(bottom=0)
    _time_axis(panel, run)


def _stages(panel: Any, run: Run) -> None:
    for place, phase in enumerate(run.phases):
        left = 0.0
        for number, (name, ms) in enumerate(figures.stage_means(phase).items()):
            panel.barh(place, ms, left=left, color=f"C{2 * number}", label=name if place == 0 else None)
            left += ms
    panel.set_yticks(range(len(run.phases)), [phase.phase.name for phase in run.phases])
    panel.invert_yaxis()
    panel.set_xlabel("ms")


def _cpu(panel: Any, run: Run) -> None:
    for name in figures.process_names(run):
        panel.plot(*figures.cpu_share(run, name), linewidth=1, label=name)
    panel.set_ylim(bottom=0)
    _time_axis(panel, run)


def _column(number: int) -> Callable[..., None]:
    def draw(panel: Any, run: Run) -> None:
        for name in figures.process_names(run):
            panel.plot(*figures.process_series(run, name, number), linewidth=1, label=name)
        panel.set_ylim(bottom=0)
        _time_axis(panel, run)

    return draw
