"""One leg of the campaign, from the first undisturbed sale to the audit: at random, or step by step."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.buyer import Buyer
from tests.faults.facilitator_lies import Lie
from tests.faults.history import History
from tests.faults.leg_run import LegRun, Phase, Result, every, together
from tests.faults.legs import Leg, deployment
from tests.faults.planned import Effect, Step
from tests.faults.process_faults import ALL_FAULTS, ProcessFault, plan
from tests.faults.steps import Case, StepRun, cases

WORKERS, STEP_WORKERS = 2, 6
"""API workers of a host. Step by step more, because some stand still while others must answer."""
AT_ONCE = 5
"""Cases of the deterministic part under way at the same time."""


@dataclass(frozen=True)
class Plan:
    """The extent of a campaign.

    Attributes:
        calls: paid calls before the last phase.
        minutes: after which the last phase begins, however many calls were made.
        process_faults: what may be killed and frozen; nothing when it is empty.
    """

    calls: int
    seed: int
    buyers: int
    minutes: float
    source: Path
    process_faults: tuple[ProcessFault, ...] = ALL_FAULTS


Watch = Callable[[Result, str], None]
"""Receives the intermediate result and the phase, several times per second."""


async def run_leg(leg: Leg, plan_: Plan, folder: Path, watch: Watch) -> Result:
    """Buy at random in an empty folder, which keeps the logs of its hosts."""
    random = Random(f"{plan_.seed} {leg}")
    result = Result(leg, History(leg))
    phase = Phase(result.seconds)
    planned = plan(plan_.calls, plan_.process_faults, random)
    async with (
        every(0.3, lambda: watch(result, phase.name)),
        deployment(result.history, folder, plan_.source, random, workers=WORKERS, ask=False) as built,
    ):
        result.faults = built.tally
        run = LegRun(built, result, random, phase, buyers=plan_.buyers)
        async with run.running(planned, doubts=True) as process_faults:
            phase.begin("planned doubts")
            steps = StepRun(run.client, built.plans, None, run.wallets, random)
            await steps.run(certain_cases(leg), AT_ONCE, minutes=5)
            result.cases = steps.results
            phase.begin("faults at random")
            process_faults.begin()
            await _buy(run, plan_)
    phase.begin("over")
    return result


def certain_cases(leg: Leg) -> list[Case]:
    """Faults of every leg, even a short one: doubts that moved and doubts that did not."""
    found = [Case("x402 v2", Step.BROADCAST, Effect.DOUBT_MOVED), Case("mpp", Step.BROADCAST, Effect.DOUBT_UNMOVED)]
    if leg == "facilitator":
        found += [Case("x402 v2", Step.BROADCAST, Effect.LIE, lie) for lie in (Lie.INVENTED_HASH, Lie.OTHER_HASH)]
    return found


async def _buy(run: LegRun, plan_: Plan) -> None:
    ends, calls = time.monotonic() + plan_.minutes * 60, run.history.paid_calls + plan_.calls

    def enough() -> bool:
        return run.history.paid_calls >= calls or time.monotonic() > ends

    async with together(*run.built.disturbances):
        await asyncio.gather(
            *(
                Buyer(number, run.client, wallet, Random(run.random.random()), enough).run()
                for number, wallet in enumerate(run.wallets)
            )
        )


def cases_of(leg: Leg) -> list[Case]:
    """The deterministic part of a leg. The facilitator settles x402 alone."""
    if leg == "facilitator":
        return cases("x402 v2", lies=True)
    return [*cases("x402 v2"), *cases("mpp")]


async def run_steps(
    leg: Leg, chosen: Sequence[Case], plan_: Plan, folder: Path, watch: Watch, *, at_once: int = AT_ONCE
) -> Result:
    """Trigger each case once in an empty folder."""
    random = Random(f"{plan_.seed} {leg}")
    result = Result(leg, History(leg))
    phase = Phase(result.seconds)
    async with (
        every(0.3, lambda: watch(result, phase.name)),
        deployment(result.history, folder, plan_.source, random, workers=STEP_WORKERS, ask=True) as built,
    ):
        result.faults = built.tally
        run = LegRun(built, result, random, phase, buyers=at_once)
        doubts = {Effect.DOUBT_MOVED, Effect.DOUBT_UNMOVED} <= {case.effect for case in chosen}
        async with run.running([], doubts=doubts):
            phase.begin("step by step")
            steps = StepRun(run.client, built.plans, built.control, run.wallets, random)
            result.cases = steps.results
            await steps.run(chosen, at_once, minutes=plan_.minutes)
            result.not_run = steps.not_run
    phase.begin("over")
    return result
