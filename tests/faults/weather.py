"""The weather before one part: when a call is struck, and by what."""

import asyncio
from collections import Counter
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What may happen to one call of a part. The first three never reach it."""

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


class Sky(StrEnum):
    """A spell of weather."""

    CALM = "calm"
    SHOWER = "shower"
    OUTAGE = "outage"


OUT = (Fault.ERROR, Fault.RESET, Fault.RESET, Fault.HANG)
_CHANCE = {Sky.CALM: 0.005, Sky.SHOWER: 0.05, Sky.OUTAGE: 1.0}
_SECONDS = {Sky.CALM: (3.0, 10.0), Sky.SHOWER: (6.0, 15.0), Sky.OUTAGE: (1.0, 5.0)}
_LONG_OUTAGE_S = (15.0, 30.0)  # about as long as the service tries to find out what became of a settlement
_LONG_OUTAGES = 0.1
_NEXT = {
    Sky.CALM: (Sky.SHOWER, Sky.SHOWER, Sky.SHOWER, Sky.OUTAGE),
    Sky.SHOWER: (Sky.CALM, Sky.CALM, Sky.OUTAGE),
    Sky.OUTAGE: (Sky.CALM, Sky.SHOWER),  # an outage is always followed by time to make progress in
}


class Weather:
    """Changes by itself while `run` runs; before and after it is calm and nothing is struck.

    Args:
        part: what it is counted under.
        random: seeded by the campaign; what is drawn is repeatable, the moment at which it hits is not.
        kinds: which faults this part can suffer outside an outage.
        tally: counts of what was injected, by part and kind.
    """

    def __init__(self, part: str, random: Random, kinds: tuple[Fault, ...], tally: Counter[str]) -> None:
        self.random = random
        self._part = part
        self._kinds = kinds
        self._tally = tally
        self._sky: Sky | None = None

    async def run(self) -> None:
        """Spell after spell, until cancelled."""
        self._sky = self.random.choice([Sky.CALM, Sky.SHOWER])
        try:
            while True:
                self._tally[f"{self._part}: spell of {self._sky}"] += 1
                await asyncio.sleep(self._spell_s(self._sky))
                self._sky = self.random.choice(_NEXT[self._sky])
        finally:
            self._sky = None

    def _spell_s(self, sky: Sky) -> float:
        long = sky is Sky.OUTAGE and self.random.random() < _LONG_OUTAGES
        return self.random.uniform(*(_LONG_OUTAGE_S if long else _SECONDS[sky]))

    def strike(self, weight: float = 1.0) -> Fault | None:
        """What happens to the next call; `weight` makes it likelier for steps that move money."""
        if self._sky is None or self.random.random() >= _CHANCE[self._sky] * weight:
            return None
        fault = self.random.choice(OUT if self._sky is Sky.OUTAGE else self._kinds)
        self._tally[f"{self._part}: {fault}"] += 1
        return fault

    def hang_s(self) -> float:
        """Seconds of a hang: mostly around the service's shorter timeouts, now and then beyond all of them."""
        return self.random.uniform(30, 40) if self.random.random() < 0.05 else self.random.uniform(1, 6)
