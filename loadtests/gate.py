"""The gate: what a run has missed, one sentence each."""

from collections.abc import Iterator

import numpy as np

from loadtests.growth import grown
from loadtests.profile import Profile
from loadtests.run import SHED, Run


def misses(run: Run) -> list[str]:
    """Everything that was not kept; empty when the run is good."""
    found = [*_of_requests(run), *_of_bounds(run), *_of_peak(run), *_of_money(run)]
    if run.profile.growth:
        found += grown(run.phases[-1], run.profile.growth)
    return found


def kept(profile: Profile) -> str:
    """What is judged, for the verdict of a good run."""
    percentiles = sum(len(bound.percentiles) for bound in profile.bounds)
    growth = ", no growth" if profile.growth else ""
    return f"{percentiles} bounds, failures, shed requests, money{growth}"


def _of_requests(run: Run) -> Iterator[str]:
    requests = [row for phase in run.phases for row in phase.requests]
    failed = [row for row in requests if row[3]]
    if not requests:
        yield "no request was answered"
    elif len(failed) > run.profile.limits.failed * len(requests):
        yield f"{len(failed)} of {len(requests)} requests failed; the first, {failed[0][1]}: {failed[0][3]}"
    paid = [row[1] for row in requests if row[1].startswith("paid") and not row[3]]
    shed = sum(name.endswith(SHED) for name in paid)
    if shed > run.profile.limits.shed * len(paid):
        yield f"{shed} of {len(paid)} paid requests were refused for lack of capacity"
    yield from (f"users of the load test broke down {each}" for phase in run.phases for each in phase.broken)


def _of_bounds(run: Run) -> Iterator[str]:
    for bound in run.profile.bounds:
        waits = [each for phase in run.phases for name, each in phase.waits().items() if name == bound.of]
        if not waits:
            yield f"{bound.of}: never answered"
            continue
        for percentile, allowed in bound.percentiles.items():
            measured = float(np.percentile(np.concatenate(waits), percentile))
            if measured > allowed:
                yield f"{bound.of}: p{percentile} is {measured:.0f} ms, {allowed:g} ms allowed"


def _of_peak(run: Run) -> Iterator[str]:
    share = run.profile.limits.of_peak
    for phase in run.phases:
        if share is not None and phase.phase.times_peak and phase.sold_per_s < share * run.peak_per_s:
            yield (
                f"{phase.phase.name}: {phase.sold_per_s:.2f} pictures/s, {share:.0%} of the peak of "
                f"{run.peak_per_s:.2f} is required"
            )


def _of_money(run: Run) -> Iterator[str]:
    money = run.money
    if not money.earned:
        return
    if not money.price:
        yield "more than one price was quoted, or none"
        return
    if money.unpaid:
        yield f"{money.unpaid} pictures were delivered unpaid"
    for rail, units in money.difference.items():
        if units:
            yield f"{rail}: {money.earned[rail]} base units for {money.delivered[rail]} pictures of {money.price}"
    unresolved = [row for phase in run.phases for row in phase.unresolved]
    if unresolved:
        yield f"{len(unresolved)} buyers could not find out whether they had paid; the first: {unresolved[0]}"
