"""kill -9 and freezes at random times of a leg; parts that do not recover are restarted."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sandbox.process import SandboxError
from tests.faults.history import History
from tests.faults.host import Host, Part
from tests.faults.served_source import WORK_LEASE_S

EVERY_CALLS = 120
"""Average number of paid calls per kill or freeze."""
FREEZE_S = (WORK_LEASE_S + 2, 28.0)
"""From just beyond a claim's lease to beyond a settlement's lease, a quote and most of an authorization's life."""
_PATIENCE_S = 40.0  # while a supervisor replaces a dead worker


@dataclass(frozen=True, slots=True)
class ProcessFault:
    """A fault and the affected part."""

    kind: Literal["kill", "freeze"]
    part: Part

    def __str__(self) -> str:
        return f"{self.kind} of {'a whole host' if self.part == 'service' else f'a {self.part}'}"


KILLS: tuple[ProcessFault, ...] = (
    ProcessFault("kill", "worker"),
    ProcessFault("kill", "runner"),
    ProcessFault("kill", "worker"),
    ProcessFault("kill", "service"),
)
FREEZES: tuple[ProcessFault, ...] = (
    ProcessFault("freeze", "worker"),
    ProcessFault("freeze", "runner"),
    ProcessFault("freeze", "worker"),
    ProcessFault("freeze", "service"),
)
ALL_FAULTS: tuple[ProcessFault, ...] = tuple(each for pair in zip(FREEZES, KILLS, strict=True) for each in pair)
"""In turn."""


def plan(calls: int, faults: Sequence[ProcessFault], random: Random) -> list[tuple[int, ProcessFault]]:
    """After how many paid calls of a leg which fault: at least one, unless there are none to choose from."""
    if not faults:
        return []
    moments = sorted(random.uniform(0.1, 0.85) * calls for _ in range(max(1, round(calls / EVERY_CALLS))))
    # Short legs begin with a freeze, so that one is always seen.
    first = random.randrange(len(faults)) if len(moments) > len(faults) else 0
    return [(round(moment), faults[(first + place) % len(faults)]) for place, moment in enumerate(moments)]


class ProcessFaults:
    """Carries out what is planned, one thing at a time, and keeps the hosts running.

    Args:
        tally: counts by what was done to what.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        history: History,
        planned: list[tuple[int, ProcessFault]],
        random: Random,
        tally: Counter[str],
    ) -> None:
        self._hosts = hosts
        self._history = history
        self._planned = planned
        self._random = random
        self._tally = tally
        self._begun_at: int | None = None

    def begin(self) -> None:
        """Count calls from now on; before, nothing of what is planned is done."""
        self._begun_at = self._history.paid_calls

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            if self._is_due():
                _, fault = self._planned.pop(0)
                await asyncio.sleep(self._random.uniform(0, 0.5))
                await self._carry_out(fault, self._random.choice(self._hosts))
            await self.mend()

    def _is_due(self) -> bool:
        if self._begun_at is None or not self._planned:
            return False
        return self._history.paid_calls - self._begun_at >= self._planned[0][0]

    async def _carry_out(self, fault: ProcessFault, host: Host) -> None:
        choice = self._random.randrange(1000)
        if fault.kind == "freeze":
            await self._freeze(fault, host, choice)
        elif host.kill(fault.part, choice):
            self._tally[str(fault)] += 1
            self._note(f"{fault} at {host.name}")

    async def _freeze(self, fault: ProcessFault, host: Host, choice: int) -> None:
        chosen, seconds = host.choose(fault.part, choice), self._random.uniform(*FREEZE_S)
        if not chosen:
            return
        host.freeze(chosen)
        self._note(f"{fault} at {host.name} for {seconds:.0f} s: {[each.pid for each in chosen]}")
        try:
            await asyncio.sleep(seconds)
            self._tally[str(fault)] += 1
        finally:
            host.thaw(chosen)
            self._note(f"{host.name} goes on")

    async def mend(self) -> None:
        """Restart dead hosts, and wait for recovering ones."""
        for host in self._hosts:
            if not host.whole():
                await self._mend(host)

    async def _mend(self, host: Host) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while host.alive() and not host.whole() and time.monotonic() < deadline:  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.5)
        if host.whole():
            self._note(f"{host.name} came back by itself")
            return
        if host.alive():
            self._tally["not replaced by its supervisor"] += 1
            host.kill("service", 0)
        host.start()
        try:
            up = await host.until_up()
        except SandboxError:
            up = False
        self._note(f"{host.name} was started again{'' if up else ', in vain'}")

    def _note(self, text: str) -> None:
        self._history.events.append((time.time(), text))
