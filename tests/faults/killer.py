"""kill -9 at random points of a leg, and a keeper who starts again what does not come back by itself."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from random import Random

from sandbox.process import SandboxError
from tests.faults.history import History
from tests.faults.host import Host, Part

EVERY_CALLS = 180
"""About one kill in so many paid calls."""
ALL_PARTS: tuple[Part, ...] = ("worker", "runner", "worker", "service")
"""In turn: every fourth kill is a whole service."""
_PATIENCE_S = 40.0  # for a supervisor that replaces a dead worker


def plan(calls: int, parts: Sequence[Part], random: Random) -> list[tuple[int, Part]]:
    """At which paid call of a leg which part is killed: at least one kill, unless there are no parts to choose from."""
    if not parts:
        return []
    moments = sorted(random.uniform(0.15, 0.85) * calls for _ in range(max(1, round(calls / EVERY_CALLS))))
    first = random.randrange(len(parts))
    return [(round(moment), parts[(first + place) % len(parts)]) for place, moment in enumerate(moments)]


class Killer:
    """Kills what is planned, one thing at a time, and keeps the hosts running.

    Args:
        tally: counts of kills, by what was killed.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        history: History,
        kills: list[tuple[int, Part]],
        random: Random,
        tally: Counter[str],
    ) -> None:
        self._hosts = hosts
        self._history = history
        self._kills = kills
        self._random = random
        self._tally = tally

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(0.2)
            if self._kills and self._history.paid_calls >= self._kills[0][0]:
                _, part = self._kills.pop(0)
                await asyncio.sleep(self._random.uniform(0, 0.5))
                host = self._random.choice(self._hosts)
                if host.kill(part, self._random.randrange(1000)):
                    self._tally[part] += 1
                    self._note(f"kill -9 of {part} at {host.name}")
            await self.mend()

    async def mend(self) -> None:
        """Start again what is dead, and wait for what is coming back."""
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
