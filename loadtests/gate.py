"""The gate: locust ends with code 1 when a bound was missed or a request failed.

Locust itself judges failures only, and its plugins know no percentiles.
"""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from typing import Any

from locust import events
from locust.env import Environment
from locust.stats import RequestStats

from loadtests.config import Bound


def misses(stats: RequestStats, bounds: Iterable[Bound]) -> Iterator[str]:
    """One sentence for every bound that was not kept; a kind of request that was never answered keeps none."""
    if stats.total.num_failures:
        yield f"{stats.total.num_failures} of {stats.total.num_requests} requests failed"
    for bound in bounds:
        entries = [entry for entry in stats.entries.values() if entry.name == bound.name]
        measured = max((entry.get_response_time_percentile(bound.percentile) for entry in entries), default=None)
        if measured is None:
            yield f"{bound.name}: never answered"
        elif measured > bound.milliseconds:
            yield f"{bound.name}: p{bound.percentile * 100:g} is {measured:g} ms, {bound.milliseconds:g} ms allowed"


@events.init_command_line_parser.add_listener
def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--at-most",
        nargs=3,
        action="append",
        default=[],
        metavar=("NAME", "PERCENTILE", "MS"),
        help="bound on one kind of request, for example: --at-most 'paid mpp' 0.95 6000",
    )


@events.quitting.add_listener
def _judge(environment: Environment, **_: Any) -> None:
    options = environment.parsed_options
    assert options is not None  # noqa: S101 - locust has parsed a command line
    bounds = [Bound(name, float(percentile), float(ms)) for name, percentile, ms in options.at_most]
    broken = environment.runner.exceptions if environment.runner else {}
    missed = [f"a user broke down {crash['count']} times: {crash['msg']}" for crash in broken.values()]
    missed += misses(environment.stats, bounds)
    environment.process_exit_code = 1 if missed else 0
    verdict = "\n".join(f"MISSED  {sentence}" for sentence in missed) or f"KEPT    {len(bounds)} bounds, no failures"
    environment.events.quit.add_listener(lambda **_: print(verdict))  # noqa: T201 - below locust's own tables
