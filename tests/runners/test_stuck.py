"""A runner in whose driver a batch hangs does not stay so for ever."""

import asyncio

import numpy as np

from runners.batcher import Batcher
from runners.stuck import EXIT_CODE, end_when_stuck
from tests.fakes.machines import Machine

IMAGE = np.zeros((4, 4, 3), np.uint8)


async def test_it_ends_when_nobody_can_wait_any_longer() -> None:
    machine = Machine(held=True)
    stuck, well = (Batcher(each.run, limit=1, max_wait_s=60, stalled_s=0.02) for each in (machine, Machine()))
    await well.infer(IMAGE, within_s=10)
    hanging = asyncio.create_task(stuck.infer(IMAGE, within_s=60))
    codes: list[int] = []
    async with asyncio.timeout(10):
        await end_when_stuck(lambda: [well, stuck], patience_s=0.1, every_s=0.01, end=codes.append)
    assert codes == [EXIT_CODE]
    machine.release()
    await hanging


async def test_it_goes_on_while_batches_end() -> None:
    busy = Batcher(Machine().run, limit=1, max_wait_s=60, stalled_s=5.0)
    watching = asyncio.create_task(end_when_stuck(lambda: [busy], patience_s=0.0, every_s=0.001, end=lambda _: None))
    for _ in range(50):
        await busy.infer(IMAGE, within_s=10)
    assert not watching.done()
    watching.cancel()
