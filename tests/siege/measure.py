"""The effect of an attack: an honest buyer's waiting times and outcomes, and the service's resources."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import httpx
import psutil

from tests.buying import photograph
from tests.fakes.serving import TRUST
from tests.processes import family, matching
from tests.running_service import RunningService
from tests.siege.buyer import Buyer


@dataclass(frozen=True)
class Measurement:
    """One buyer's measurements during an attack.

    Attributes:
        p95_s: seconds within which 95 % of its responses arrived.
        outcomes: number of responses by outcome.
        megabytes, descriptors: maximum of the sum over all processes of the service.
    """

    p95_s: float
    outcomes: Counter[str]
    megabytes: float
    descriptors: int

    @property
    def failures(self) -> int:
        """Responses other than images."""
        return sum(self.outcomes.values()) - self.outcomes["sold"]


async def measure_during(service: RunningService, *, purchases: int) -> Measurement:
    """Buy images in sequence, and sample the service's resources meanwhile."""
    peaks = [0.0, 0]
    sampling = asyncio.create_task(_sample(service, peaks))
    try:
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
            buyer = Buyer.funded(service, client, purchases)
            for number in range(purchases):
                await buyer.buy(photograph(60 + number % 35))
        return Measurement(buyer.p95, buyer.outcomes, peaks[0], int(peaks[1]))
    finally:
        sampling.cancel()


async def _sample(service: RunningService, peaks: list[float]) -> None:
    while True:
        megabytes, descriptors = resource_use(service)
        peaks[:] = max(peaks[0], megabytes), max(peaks[1], descriptors)
        await asyncio.sleep(0.5)


def resource_use(service: RunningService) -> tuple[float, int]:
    """Resident megabytes and open descriptors of all processes of the service, without its chains."""
    processes = [psutil.Process(service.process.pid), *matching(service.process.pid, "--fd")]
    return sum(each.memory_info().rss for each in processes) / 1e6, sum(each.num_fds() for each in processes)


def cpu_s(service: RunningService) -> float:
    """CPU seconds of all running processes of the service."""
    times = (each.cpu_times() for each in family(service.process.pid))
    return sum(each.user + each.system for each in times)
