"""More than can be sold, all at once: what is sold, what is refused, and how soon all is well again."""

import asyncio
import io
import time
from collections import Counter
from dataclasses import dataclass
from itertools import count

import httpx
import numpy as np
from PIL import Image

from tests.running_service import RunningService
from tests.siege.buyer import Buyer
from tests.siege.measure import Seen, cpu_s, watched

SMALL_SIZE = (640, 480)
SWEEP = (1, 4, 16, 64)
_seeds = count()


@dataclass(frozen=True)
class Burst:
    """What came of buyers who all came at once.

    Attributes:
        seconds: until the last answer.
        recovered_s: until a lone buyer's picture came, after that.
        cpu_s: that the service computed until the last answer.
    """

    heard: Counter[str]
    seconds: float
    recovered_s: float
    cpu_s: float

    @property
    def sold_per_s(self) -> float:
        """Pictures."""
        return self.heard["sold"] / self.seconds

    @property
    def sold_per_cpu_s(self) -> float:
        """Pictures for each second that the service computed: what others do on the machine hardly changes it."""
        return self.heard["sold"] / self.cpu_s


def jpeg(width: int, height: int, seed: int) -> bytes:
    """A smooth picture with a disc in its middle; one of 10,000 colourings."""
    rows, columns = np.ogrid[:height, :width]
    disc = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (min(width, height) / 4) ** 2
    pixels = np.full((height, width, 3), 225 - seed % 50, np.uint8)
    pixels[disc] = (150, 30 + seed // 50 % 200, 30)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


async def at_once(service: RunningService, buyers: int, *, insist_s: float = 0.0) -> Burst:
    """So many buyers of small pictures, each with a payment signed before.

    Args:
        insist_s: for which whoever is refused comes again, when it was told to.
    """
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=90, trust_env=False, limits=limits) as client:
        all_of_them = [Buyer.funded(service, client, 1) for _ in range(buyers)]
        payments = [await buyer.sign() for buyer in all_of_them]
        # Each picture is new, or it would not have to be made: those of the last minutes are remembered.
        pictures = [jpeg(*SMALL_SIZE, next(_seeds)) for _ in range(buyers)]
        began, cpu_before_s = time.monotonic(), cpu_s(service)
        jobs = zip(all_of_them, pictures, payments, strict=True)
        await asyncio.gather(
            *(buyer.insist(picture, payment, seconds=max(insist_s, 0.01)) for buyer, picture, payment in jobs)
        )
        seconds, took_cpu_s = time.monotonic() - began, cpu_s(service) - cpu_before_s
        lone = Buyer.funded(service, client, 10)
        await lone.insist(jpeg(*SMALL_SIZE, next(_seeds)), await lone.sign(), seconds=60)
        heard = sum((buyer.heard for buyer in all_of_them), Counter[str]())
        return Burst(heard, seconds, time.monotonic() - began - seconds, took_cpu_s)


async def sweep(service: RunningService) -> tuple[float, float]:
    """The most pictures a second, and a second of CPU time, that are sold at a concurrency of 1 to 64."""
    bursts = [await at_once(service, max(concurrency, 8) if concurrency > 1 else 4) for concurrency in SWEEP]
    return max(each.sold_per_s for each in bursts), max(each.sold_per_cpu_s for each in bursts)


async def beside_big_ones(service: RunningService, *, purchases: int) -> tuple[Seen, Counter[str]]:
    """A buyer of small pictures beside four of 100 megapixels as WebP; what both heard."""
    body = jpeg(10_000, 10_000, 0)
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        buyers = [Buyer.funded(service, client, 1) for _ in range(4)]
        big = [asyncio.create_task(_buy_webp(buyer, body)) for buyer in buyers]
        await asyncio.sleep(1)
        seen = await watched(service, purchases=purchases)
        await asyncio.gather(*big)
        return seen, sum((buyer.heard for buyer in buyers), Counter[str]())


async def _buy_webp(buyer: Buyer, body: bytes) -> None:
    await buyer.buy(body, await buyer.sign() | {"Accept": "image/webp"})
