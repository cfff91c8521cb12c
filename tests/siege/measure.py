"""What an attack costs others: how long an honest buyer waits, what it hears, and what the service takes."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import httpx
import psutil

from tests.buying import photograph
from tests.processes import family, matching
from tests.running_service import RunningService
from tests.siege.buyer import Buyer


@dataclass(frozen=True)
class Seen:
    """One buyer's time beside an attack.

    Attributes:
        p95_s: seconds within which 95 % of its answers came.
        heard: what they were.
        megabytes, descriptors: of all processes of the service together, at most.
    """

    p95_s: float
    heard: Counter[str]
    megabytes: float
    descriptors: int

    @property
    def failures(self) -> int:
        """Answers that were no picture."""
        return sum(self.heard.values()) - self.heard["sold"]


async def watched(service: RunningService, *, purchases: int) -> Seen:
    """Buy pictures one after the other, and look at the service meanwhile."""
    peaks = [0.0, 0]
    looking = asyncio.create_task(_look(service, peaks))
    try:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            buyer = Buyer.funded(service, client, purchases)
            for number in range(purchases):
                await buyer.buy(photograph(60 + number % 35))
        return Seen(buyer.p95, buyer.heard, peaks[0], int(peaks[1]))
    finally:
        looking.cancel()


async def _look(service: RunningService, peaks: list[float]) -> None:
    while True:
        megabytes, descriptors = taken(service)
        peaks[:] = max(peaks[0], megabytes), max(peaks[1], descriptors)
        await asyncio.sleep(0.5)


def taken(service: RunningService) -> tuple[float, int]:
    """Resident megabytes and open descriptors of all processes of the service, without its chains."""
    processes = [psutil.Process(service.process.pid), *matching(service.process.pid, "--fd")]
    return sum(each.memory_info().rss for each in processes) / 1e6, sum(each.num_fds() for each in processes)


def cpu_s(service: RunningService) -> float:
    """Seconds that all processes of the service have computed, those that have ended left out."""
    times = (each.cpu_times() for each in family(service.process.pid))
    return sum(each.user + each.system for each in times)
