"""`python -m benchmarks.capacity`: what a run of the load tests says about hosts, costs and queues."""

from pathlib import Path
from statistics import mean
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.capacity.check import check
from benchmarks.capacity.cost import Prices, Use, hosts, per_thousand
from benchmarks.capacity.measured import Measured, measured
from benchmarks.capacity.simulation import Host, arriving
from loadtests.run import Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help=__doc__)
say = Console(soft_wrap=True, highlight=False)
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run: results/load/...")]


@app.command("figures")
def figures(run: RunFolder) -> None:
    """What a picture takes, and what a core and a gigabyte make of it."""
    feed = _fed(Run.read(run))
    stages = {stage: mean(job.computes_s[stage] for job in feed.jobs) for stage in feed.jobs[0].computes_s}
    table = Table("figure", "value", title=f"{len(feed.jobs)} pictures")
    table.add_row("CPU seconds of the service per picture", f"{feed.cpu_s:.3f}")
    for stage, seconds in stages.items():
        table.add_row(f"  of that {stage}", f"{seconds:.3f}")
    table.add_row("pictures per second and core, all of it in use", f"{1 / feed.cpu_s:.2f}")
    table.add_row("most resident memory, GB", f"{feed.memory_mb / 1000:.2f}")
    table.add_row("pictures per second and gigabyte, on one core", f"{1000 / feed.cpu_s / feed.memory_mb:.2f}")
    say.print(table)


@app.command("cost")
def cost(
    core_hour: Annotated[float, typer.Option(help="Dollars for one core, one hour.")],
    cpu_s: Annotated[float, typer.Option(help="CPU seconds per picture: see `figures`.")] = 0.25,
    megabytes: Annotated[float, typer.Option(help="Of a result, sent.")] = 2.5,
    gb_hour: Annotated[float, typer.Option(help="Dollars for a gigabyte of memory, one hour.")] = 0.0,
    egress_gb: Annotated[float, typer.Option(help="Dollars for a gigabyte sent.")] = 0.0,
    gas_gwei: Annotated[float, typer.Option(help="Gwei for one gas; settling takes 80,000.")] = 0.0,
    eth: Annotated[float, typer.Option(help="Dollars for one ETH.")] = 0.0,
    facilitator: Annotated[float, typer.Option(help="Dollars for a settlement by others, instead of gas.")] = 0.0,
    x402: Annotated[float, typer.Option(min=0, max=1, help="Share of the sales over x402.")] = 0.5,
    utilisation: Annotated[float, typer.Option(min=0.01, max=1, help="Share of the paid cores that works.")] = 0.5,
    gb_per_core: Annotated[float, typer.Option(help="Memory that is paid for each core, in gigabytes.")] = 2.0,
    price: Annotated[float, typer.Option(help="Dollars that a picture is sold for.")] = 0.05,
) -> None:
    """What 1,000 pictures cost, by the operator's own prices."""
    parts = per_thousand(
        Prices(core_hour, gb_hour, egress_gb, gas_gwei, eth, facilitator),
        Use(cpu_s, megabytes, utilisation, gb_per_core, x402),
    )
    table = Table("1,000 pictures", "dollars")
    for part, dollars in parts.items():
        table.add_row(part, f"{dollars:.4f}")
    total = sum(parts.values())
    table.add_row("together", f"{total:.4f}", style="bold")
    table.add_row("sold for", f"{1000 * price:.2f}")
    table.add_row("left", f"{1000 * price - total:.4f}")
    say.print(table)


@app.command("hosts")
def hosts_(
    per_day: Annotated[float, typer.Argument(help="Pictures a day.")],
    pictures_s: Annotated[float, typer.Option(help="What one host sells at most, per second.")],
    busiest: Annotated[float, typer.Option(help="How many times the average the busiest hour is.")] = 3.0,
    load: Annotated[float, typer.Option(min=0.05, max=1, help="Share of its most at which a host should work.")] = 0.6,
) -> None:
    """How many hosts so many pictures a day need."""
    number = hosts(per_day, pictures_s_per_host=pictures_s, busiest=busiest, load=load)
    say.print(f"{number} hosts, and one more if none of them may be missed while it is replaced.")


@app.command("simulate")
def simulate(
    run: RunFolder,
    cores: Annotated[float, typer.Option(help="Of the host.")],
    per_s: Annotated[float, typer.Option(help="Buyers per second.")],
    runners: Annotated[int, typer.Option(help="Inferences at a time.")] = 1,
    decoders: Annotated[int, typer.Option(help="Decoding processes.")] = 2,
    seconds: Annotated[float, typer.Option(help="That are simulated.")] = 600.0,
) -> None:
    """Let buyers arrive at a host that was never built."""
    feed = _fed(Run.read(run))
    outcome = arriving(Host(cores, decoders, runners), feed.jobs, per_s=per_s, seconds=seconds)
    say.print(
        f"{outcome.sold_per_s:.2f} pictures/s, {outcome.shed / seconds:.2f} refused/s, "
        f"p50 {outcome.percentile(50):.2f} s, p95 {outcome.percentile(95):.2f} s"
    )


@app.command("check")
def check_(
    run: RunFolder,
    cores: Annotated[
        float | None,
        typer.Option(help="That the service had (one with `separate_cpus`); by default what it got in each phase."),
    ] = None,
) -> None:
    """How far the simulator is off: fed with the first phase of a run, compared with the later ones."""
    table = Table("phase", "figure", "measured", "simulated", "off by")
    for row in check(Run.read(run), cores):
        table.add_row(row.phase, row.figure, f"{row.measured:.2f}", f"{row.simulated:.2f}", f"{row.off:+.0%}")
    say.print(table)


def _fed(run: Run) -> Measured:
    return measured(run, next((phase for phase in run.phases if phase.deliveries), run.phases[0]))


if __name__ == "__main__":
    app()
