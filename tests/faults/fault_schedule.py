"""When a call of one part of the deployment fails, and how."""

import asyncio
from collections import Counter
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """Faults of one call of a part. The first three never reach it."""

    ERROR = "error"
    """Answered by a 503 or an error of the protocol, without being forwarded."""
    RESET = "reset"
    """The connection is reset before anything is forwarded."""
    HANG = "hang"
    """No answer for seconds, sometimes for longer than any timeout of the service, then a reset."""
    LATE = "late"
    """Forwarded only after the caller's timeout: the caller believes that nothing arrived, and it does."""
    SLOW = "slow"
    """0.1 to 3 s, partly before and partly after the step."""
    LOST = "lost"
    """Forwarded; instead of the answer a reset or a 504."""
    CUT = "cut"
    """Forwarded; the connection is reset in the middle of the answer."""
    DUPLICATE = "duplicate"
    """Forwarded twice, as a proxy that retries does; one of the two answers comes back."""
    REORDER = "reorder"
    """Held back until later calls have passed."""
    LIE = "lie"
    """Facilitator only: a well-formed answer that is untrue (see `facilitator_lies`)."""


class Condition(StrEnum):
    """The condition of a part for some seconds."""

    NORMAL = "normal"
    DISTURBED = "disturbed"
    OUTAGE = "outage"


NETWORK_FAULTS = tuple(fault for fault in Fault if fault is not Fault.LIE)
OUTAGE_FAULTS = (Fault.ERROR, Fault.RESET, Fault.RESET, Fault.HANG)
_CHANCE = {Condition.NORMAL: 0.005, Condition.DISTURBED: 0.05, Condition.OUTAGE: 1.0}
_SECONDS = {Condition.NORMAL: (3.0, 10.0), Condition.DISTURBED: (6.0, 15.0), Condition.OUTAGE: (1.0, 5.0)}
_LONG_OUTAGE_S = (15.0, 30.0)  # about as long as the service tries to find the outcome of a settlement
_LONG_OUTAGES = 0.1
_NEXT = {
    Condition.NORMAL: (Condition.DISTURBED, Condition.DISTURBED, Condition.DISTURBED, Condition.OUTAGE),
    Condition.DISTURBED: (Condition.NORMAL, Condition.NORMAL, Condition.OUTAGE),
    # An outage is always followed by a period without faults.
    Condition.OUTAGE: (Condition.NORMAL, Condition.DISTURBED),
}


class FaultSchedule:
    """Changes its condition while `run` runs; before and after it nothing is disturbed.

    Args:
        part: what its faults are counted under.
        random: seeded by the campaign; what is drawn is repeatable, the moment at which it hits is not.
        kinds: which faults this part can suffer outside an outage.
        tally: counts of what was injected, by part and kind.
    """

    def __init__(self, part: str, random: Random, kinds: tuple[Fault, ...], tally: Counter[str]) -> None:
        self.random = random
        self._part = part
        self._kinds = kinds
        self._tally = tally
        self._condition: Condition | None = None

    async def run(self) -> None:
        """Change the condition repeatedly until cancelled."""
        self._condition = self.random.choice([Condition.NORMAL, Condition.DISTURBED])
        try:
            while True:
                self._tally[f"{self._part}: period of {self._condition}"] += 1
                await asyncio.sleep(self._period_s(self._condition))
                self._condition = self.random.choice(_NEXT[self._condition])
        finally:
            self._condition = None

    def _period_s(self, condition: Condition) -> float:
        long = condition is Condition.OUTAGE and self.random.random() < _LONG_OUTAGES
        return self.random.uniform(*(_LONG_OUTAGE_S if long else _SECONDS[condition]))

    def next_fault(self, weight: float = 1.0) -> Fault | None:
        """What happens to the next call; `weight` makes a fault likelier for steps that move money."""
        if self._condition is None or self.random.random() >= _CHANCE[self._condition] * weight:
            return None
        fault = self.random.choice(OUTAGE_FAULTS if self._condition is Condition.OUTAGE else self._kinds)
        self.count(fault)
        return fault

    def count(self, fault: str) -> None:
        """Count a fault of this part."""
        self._tally[f"{self._part}: {fault}"] += 1

    def hang_s(self) -> float:
        """Seconds of a hang: mostly around the service's shorter timeouts, now and then beyond all of them."""
        return self.random.uniform(30, 40) if self.random.random() < 0.05 else self.random.uniform(1, 6)
