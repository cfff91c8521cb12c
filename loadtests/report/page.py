"""The pages: tables and plots in one file."""

import time
from collections import Counter
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.gate import kept
from loadtests.growth import table
from loadtests.report import figures, plots
from loadtests.run import Run

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def report(run: Run, path: Path) -> None:
    """Write the report of a run."""
    growth = run.profile.growth
    page = _PAGES.get_template("report.html.j2").render(
        run=run,
        began=_moment(run),
        kept=kept(run.profile),
        facts=facts(run),
        classes=figures.class_rows(run),
        bounds={
            (bound.of, percentile): ms for bound in run.profile.bounds for percentile, ms in bound.percentiles.items()
        },
        percentiles=figures.PERCENTILES,
        failures=sum((phase.failures() for phase in run.phases), Counter[tuple[str, str]]()).most_common(10),
        growth=table(run.phases[-1], growth) if growth else [],
        plots=plots.plots(run),
    )
    path.write_text(page)


def compare(first: Run, second: Run, path: Path) -> list[tuple[str, str, str, str]]:
    """Write the comparison of two runs; gives its rows: figure, of the first, of the second, ratio."""
    rows = _compared(first, second)
    page = _PAGES.get_template("compare.html.j2").render(
        runs=(first, second),
        moments=(_moment(first), _moment(second)),
        rows=rows,
        plots=plots.compared((first, second)),
    )
    path.write_text(page)
    return rows


def facts(run: Run) -> dict[str, float]:
    """The figures of a run as a whole."""
    lasted = sum(phase.phase.seconds for phase in run.phases)
    sold = len(run.deliveries)
    cpu = figures.cpu_s(run)
    found = {
        "pictures delivered": float(sold),
        "megapixels delivered": float(sum(row[3] for row in run.deliveries)),
        "pictures per second": sold / lasted,
        "peak, pictures per second": run.peak_per_s,
        "CPU seconds of the service": cpu,
        "CPU seconds of the service per picture": cpu / sold if sold else 0.0,
        "CPU seconds of the load": figures.cpu_s(run, ("load", "signer")),
        "CPU seconds of the chains": figures.cpu_s(run, ("chain",)),
        "most resident memory of the service, MB": figures.peak_mb(run),
    }
    found |= {
        f"{phase.phase.name}: pictures per second": phase.sold_per_s for phase in run.phases if len(run.phases) > 1
    }
    return {name: value for name, value in found.items() if value}


def _compared(first: Run, second: Run) -> list[tuple[str, str, str, str]]:
    figures_of = [facts(run) | _percentiles(run) for run in (first, second)]
    names = list(dict.fromkeys([*figures_of[0], *figures_of[1]]))
    return [_row(name, figures_of[0].get(name), figures_of[1].get(name)) for name in names]


def _percentiles(run: Run) -> dict[str, float]:
    return {
        f"{row.name}: p{percentile}, ms": value
        for row in figures.class_rows(run)
        for percentile, value in zip(figures.PERCENTILES, row.percentiles, strict=False)
    }


def _row(name: str, first: float | None, second: float | None) -> tuple[str, str, str, str]:
    ratio = f"{second / first:.2f}" if first and second is not None else ""
    return name, number(first), number(second), ratio


def number(value: float | None) -> str:
    """Three digits are enough."""
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _moment(run: Run) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(run.began))


_PAGES.filters["number"] = number
