"""Checks the health of every rail in the background, so that no buyer or probe waits for it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

from payments.rail import Rail
from telemetry import RAIL_UP

log = structlog.get_logger(__name__)

EVERY_S = 3.0
AGAIN_S = 0.5
"""Pause after a failed check; the second failure in a row counts."""
HEALTH_LIMIT_S = 2.5
"""Timeout of a health check: of a rail, and of the other parts that readiness checks."""

NOT_ASKED = "The rail has not been checked yet."


class RailMonitor:
    """The state of every rail: down until its first successful check, and after two failed checks in a row.

    One successful check is enough to be up again.

    Args:
        limit_s: timeout of a check.
    """

    def __init__(self, rails: Sequence[Rail], *, limit_s: float = HEALTH_LIMIT_S) -> None:
        self._rails = tuple(rails)
        self._limit_s = limit_s
        self._answers: dict[str, str | None] = {rail.name: NOT_ASKED for rail in rails}
        self._out = dict(self._answers)
        self._looked = asyncio.Event()
        for name in self._out:
            RAIL_UP.labels(name).set(False)

    def outage(self, name: str) -> str | None:
        """One public sentence that states the outage; None while this rail accepts payments."""
        return self._out[name]

    async def states(self) -> Mapping[str, str | None]:
        """The `outage` of every rail. Returns immediately, except before the first check has ended."""
        await self.first_look()
        return dict(self._out)

    async def first_look(self) -> None:
        """Wait until every rail has been checked once, at most the timeout of a check."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limit_s):
                await self._looked.wait()

    async def look(self) -> bool:
        """Check every rail once. Returns False if the next check should come soon: after a first failure, or a failure
        at the start."""
        at_start = not self._looked.is_set()
        answers = await asyncio.gather(*(self._ask(rail) for rail in self._rails))
        for rail, answer in zip(self._rails, answers, strict=True):
            self._note(rail.name, answer)
        self._looked.set()
        return self._answers == self._out and not (at_start and any(self._answers.values()))

    def _note(self, name: str, answer: str | None) -> None:
        before, now = self._out[name], answer if self._answers[name] else None
        if now is not None and (before is None or before == NOT_ASKED):
            log.warning("rail_down", rail=name, fault=now)
        elif now is None and before is not None:
            log.info("rail_up", rail=name)
        self._answers[name], self._out[name] = answer, now
        RAIL_UP.labels(name).set(now is None)

    async def _ask(self, rail: Rail) -> str | None:
        try:
            async with asyncio.timeout(self._limit_s):
                return await rail.health()
        except TimeoutError:
            return "The rail does not respond in time."
        except Exception:
            # An error of one rail must not end the monitoring of the others.
            log.exception("rail_check_failed", rail=rail.name)
            return "The rail does not respond."


async def keep_monitoring(watch: RailMonitor, *, every_s: float = EVERY_S, again_s: float = AGAIN_S) -> None:
    """Check until cancelled. Runs in every worker."""
    while True:
        settled = await watch.look()
        await asyncio.sleep(every_s if settled else again_s)
