"""The watchdog ends a runner whose driver hangs."""

import asyncio

import numpy as np

from runners.batcher import Batcher
from runners.watchdog import EXIT_CODE, run_watchdog
from tests.fakes.machines import Machine

IMAGE = np.zeros((4, 4, 3), np.uint8)


async def test_it_exits_when_all_callers_have_given_up() -> None:
    machine = Machine(held=True)
    stuck, well = (Batcher(each.run, limit=1, max_wait_s=60, stalled_s=0.02) for each in (machine, Machine()))
    await well.infer(IMAGE, within_s=10)
    hanging = asyncio.create_task(stuck.infer(IMAGE, within_s=60))
    codes: list[int] = []
    async with asyncio.timeout(10):
        await run_watchdog(lambda: [well, stuck], stalled_limit_s=0.1, interval_s=0.01, exit_process=codes.append)
    assert codes == [EXIT_CODE]
    machine.release()
    await hanging


async def test_it_does_not_exit_while_batches_finish() -> None:
    busy = Batcher(Machine().run, limit=1, max_wait_s=60, stalled_s=5.0)
    watching = asyncio.create_task(
        run_watchdog(lambda: [busy], stalled_limit_s=0.0, interval_s=0.001, exit_process=lambda _: None)
    )
    for _ in range(50):
        await busy.infer(IMAGE, within_s=10)
    assert not watching.done()
    watching.cancel()
