"""What is done to the fleet, one act after the other: a fault for some seconds, its end, and the time after it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.fleet.proof.fleet import APIS, RUNNERS, Fleet

Kind = Literal["undisturbed", "kill", "freeze", "part", "part from", "restart"]


@dataclass(frozen=True)
class Act:
    """One fault.

    Attributes:
        member: who it strikes; empty for none.
        other: for "part from", whom the member no longer reaches.
    """

    kind: Kind
    member: str = ""
    other: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.member, self.other)))


@dataclass
class Played:
    """When an act took place, in unix seconds.

    Attributes:
        healed_at: the fault was over, or the program was started again.
        ready_at: the member was well again, and the time after it begins; equal to `ended_at` where it was never.
        failed: why it was not; None where it was.
    """

    act: Act
    began_at: float
    healed_at: float = 0.0
    ready_at: float = 0.0
    ended_at: float = 0.0
    failed: str | None = None


FAULTS: tuple[Act, ...] = tuple(
    Act(kind, member)
    for member in (*APIS, *RUNNERS, "postgres", "redis", "proxy")
    for kind in ("kill", "freeze", "part")
)
HALF_CUT: tuple[Act, ...] = (
    Act("part from", "api1", "postgres"),
    Act("part from", "api1", "runner1"),
    Act("part from", "api1", "redis"),
)
"""Hosts that buyers and proxy still reach, and that miss one neighbour."""
ROLLING: tuple[Act, ...] = tuple(Act("restart", member) for member in (*RUNNERS, *APIS, "redis", "postgres", "proxy"))
"""A restart of everything, one after the other."""
ALL_ACTS: tuple[Act, ...] = (Act("undisturbed"), *FAULTS, *HALF_CUT, *ROLLING)
SHORT: tuple[Act, ...] = (
    Act("kill", "api1"),
    Act("part", "runner1"),
    Act("restart", "api2"),
)
PAIRED = frozenset((*APIS, *RUNNERS))
"""Who has a second one that goes on: their restart must fail no paid call."""


def chosen(words: str) -> list[Act]:
    """All acts that have one of these comma-separated texts in their names."""
    wanted = [word.strip() for word in words.split(",")]
    return [act for act in ALL_ACTS if any(word in str(act) for word in wanted)]


@dataclass(frozen=True)
class Stage:
    """Plays acts on a fleet.

    Attributes:
        fault_s: seconds for which a fault lasts.
        after_s: seconds that are watched after the member is well again.
    """

    fleet: Fleet
    fault_s: float
    after_s: float

    async def play(self, act: Act, played: Played) -> None:
        """Play one act; what happens is written into `played`.

        Raises:
            SandboxError: the member did not come back.
        """
        strike = self._strikes().get(act.kind)
        if strike is not None:
            await strike(act)
        played.healed_at = time.time()
        if act.member:
            await self.fleet.members[act.member].until_ready()
        played.ready_at = time.time()
        await asyncio.sleep(self.after_s)
        played.ended_at = time.time()

    def _strikes(self) -> dict[Kind, Callable[[Act], Awaitable[None]]]:
        return {
            "kill": self._kill,
            "freeze": self._freeze,
            "part": self._part,
            "part from": self._part_from,
            "restart": self._restart,
        }

    async def _kill(self, act: Act) -> None:
        member = self.fleet.members[act.member]
        member.kill()
        await asyncio.sleep(self.fault_s)
        member.start()

    async def _freeze(self, act: Act) -> None:
        member = self.fleet.members[act.member]
        member.freeze()
        try:
            await asyncio.sleep(self.fault_s)
        finally:
            member.thaw()

    async def _part(self, act: Act) -> None:
        host = self.fleet.hosts[act.member]
        host.cut()
        try:
            await asyncio.sleep(self.fault_s)
        finally:
            host.join()

    async def _part_from(self, act: Act) -> None:
        host, other = self.fleet.hosts[act.member], self.fleet.hosts[act.other]
        host.lose(other)
        try:
            await asyncio.sleep(self.fault_s)
        finally:
            host.find(other)

    async def _restart(self, act: Act) -> None:
        member = self.fleet.members[act.member]
        await member.stop()
        member.start()
