"""The end of a leg, under a clear sky: whatever is in doubt is asked about until the service decides."""

import asyncio
import time

from tests.faults.buyer import Verdict, verdict
from tests.faults.counter import Counter
from tests.faults.history import Payment

AT_ONCE = 6
_PAUSE_S = (1.0, 3.0)


async def finish(counter: Counter, payments: list[Payment], *, seconds: float) -> None:
    """Send each payment again until a picture comes, or `charged: false`; those that get neither stay in doubt."""
    deadline = time.monotonic() + seconds
    turns = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(_finish(counter, payment, turns, deadline) for payment in payments))


async def _finish(counter: Counter, payment: Payment, turns: asyncio.Semaphore, deadline: float) -> None:
    while True:
        async with turns:
            call = await counter.send(payment)
        if verdict([call]) is Verdict.DELIVERED:
            payment.verdict = "delivered"
            return
        if call.charged is False:
            payment.verdict = "uncharged"
            return
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(min(max(call.retry_after or 0, _PAUSE_S[0]), _PAUSE_S[1]))
