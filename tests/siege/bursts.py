"""Overload: what is sold and rejected in a burst, and how fast the service recovers."""

import asyncio
import io
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count

import httpx
import numpy as np
from PIL import Image

from tests.fakes.serving import TRUST
from tests.running_service import RunningService
from tests.siege.buyer import Buyer
from tests.siege.measure import Measurement, cpu_s, measure_during

SMALL_SIZE = (640, 480)
SWEEP = (1, 4, 16, 64)
_seeds = count()


@dataclass(frozen=True)
class Burst:
    """The result of many concurrent buyers.

    Attributes:
        seconds: until the last response.
        recovered_s: then until a single buyer's image.
        cpu_s: the service's CPU seconds until the last response.
    """

    outcomes: Counter[str]
    seconds: float
    recovered_s: float
    cpu_s: float

    @property
    def sold_per_s(self) -> float:
        """Sold images per second."""
        return self.outcomes["sold"] / self.seconds

    @property
    def sold_per_cpu_s(self) -> float:
        """Sold images per CPU second of the service, which hardly depends on other load."""
        return self.outcomes["sold"] / self.cpu_s


def jpeg(width: int, height: int, seed: int) -> bytes:
    """A smooth image with a disc in its middle, in one of 10,000 colour combinations."""
    rows, columns = np.ogrid[:height, :width]
    disc = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (min(width, height) / 4) ** 2
    pixels = np.full((height, width, 3), 225 - seed % 50, np.uint8)
    pixels[disc] = (150, 30 + seed // 50 % 200, 30)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


async def burst(service: RunningService, buyers: int, *, retry_s: float = 0.0) -> Burst:
    """Concurrent buyers of small images, each with a payment signed in advance.

    Args:
        retry_s: for how long a rejected buyer retries after the Retry-After interval.
    """
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=90, trust_env=False, verify=TRUST, limits=limits) as client:
        all_buyers = [Buyer.funded(service, client, 1) for _ in range(buyers)]
        payments = [await buyer.sign() for buyer in all_buyers]
        # Each image is new, because recent results are cached.
        pictures = [jpeg(*SMALL_SIZE, next(_seeds)) for _ in range(buyers)]
        began, cpu_before_s = time.monotonic(), cpu_s(service)
        jobs = zip(all_buyers, pictures, payments, strict=True)
        await asyncio.gather(
            *(buyer.buy_with_retries(picture, payment, seconds=max(retry_s, 0.01)) for buyer, picture, payment in jobs)
        )
        seconds, took_cpu_s = time.monotonic() - began, cpu_s(service) - cpu_before_s
        lone = Buyer.funded(service, client, 10)
        await lone.buy_with_retries(jpeg(*SMALL_SIZE, next(_seeds)), await lone.sign(), seconds=60)
        outcomes = sum((buyer.outcomes for buyer in all_buyers), Counter[str]())
        return Burst(outcomes, seconds, time.monotonic() - began - seconds, took_cpu_s)


async def sweep(service: RunningService) -> tuple[float, float]:
    """The maximum sales per second, and per CPU second, at a concurrency of 1 to 64."""
    bursts = [await burst(service, max(concurrency, 8) if concurrency > 1 else 4) for concurrency in SWEEP]
    return max(each.sold_per_s for each in bursts), max(each.sold_per_cpu_s for each in bursts)


async def during_big_images(service: RunningService, *, purchases: int) -> tuple[Measurement, Counter[str]]:
    """A buyer of small images during four of 100 megapixels as WebP, with the outcomes of those."""
    body = jpeg(10_000, 10_000, 0)
    async with httpx.AsyncClient(timeout=120, trust_env=False, verify=TRUST) as client:
        buyers = [Buyer.funded(service, client, 1) for _ in range(4)]
        big = [asyncio.create_task(_buy_webp(buyer, body)) for buyer in buyers]
        await asyncio.sleep(1)
        seen = await measure_during(service, purchases=purchases)
        await asyncio.gather(*big)
        return seen, sum((buyer.outcomes for buyer in buyers), Counter[str]())


async def _buy_webp(buyer: Buyer, body: bytes) -> None:
    await buyer.buy(body, await buyer.sign() | {"Accept": "image/webp"})
