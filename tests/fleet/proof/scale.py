"""Pictures a second that two API and two runner hosts sell, beside one and one of the same fleet.

Runners are stand-ins with a fixed time for each picture (`stand_in`), so two of them are twice the capacity on any
number of cores. What is measured is ours: proxy, admission, the choice of runners, the ledger and the settlement key
that the API hosts share.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sandbox.process import ROOT
from tests.faults.history import History
from tests.faults.purchase_client import PurchaseClient
from tests.faults.wallet import Wallet
from tests.fleet.proof.fleet import Fleet, fleet
from tests.fleet.proof.load import Load
from tests.fleet.proof.network import buyers

LEVEL = 1.8
BUYERS = 8
"""Who buy at the same time, one picture after the other."""
WALLETS = 8
_WARM_UP_S = 8.0


@dataclass(frozen=True)
class Scale:
    """Pictures a second."""

    two: float
    one: float

    @property
    def ratio(self) -> float:
        return self.two / self.one if self.one else 0.0


async def measure(folder: Path, picture_s: float, seconds: float, tell: Callable[[str], None]) -> Scale:
    """Sell from two and two for so long, then from one and one.

    Raises:
        SandboxError: the fleet did not come up.
    """
    async with fleet(folder, ROOT, {}, stand_in_s=picture_s) as built:
        client = PurchaseClient([built], History("scale"), {}, Random(1), buyers())
        wallets = [Wallet(number, built.base, built.tempo, official_mpp=False) for number in range(WALLETS)]
        load = Load(client, wallets, 0.0, Random(2))
        two = await _sold(load, seconds)
        tell(f"two API and two runner hosts: {two:.2f} pictures a second")
        await _leave_one(built)
        one = await _sold(load, seconds)
        tell(f"one API and one runner host: {one:.2f} pictures a second")
        return Scale(two, one)


async def _leave_one(built: Fleet) -> None:
    for name in ("api2", "runner2"):
        await built.members[name].stop()
    await built.members["api1"].until_ready()


async def _sold(load: Load, seconds: float) -> float:
    """Pictures a second that the buyers get after a while."""
    ends = time.monotonic() + _WARM_UP_S + seconds

    async def buyer(number: int) -> None:
        while time.monotonic() < ends:
            await load.buy(number)
            number += BUYERS

    began = time.time() + _WARM_UP_S
    await asyncio.gather(*(buyer(number) for number in range(BUYERS)))
    return sum(began <= (each.ended_at or 0) < began + seconds for each in load.purchases) / seconds
