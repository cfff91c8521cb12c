"""Broadcasts a transaction repeatedly, until its outcome on the chain is clear.

Only the request's credential contains the signed transaction: after the request it can no longer be sent, and an
unclear payment stays in doubt until it expires. Sending the same bytes again is harmless: they have the same hash, and
the expiring nonce allows that hash in at most one block.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from errors import PaymentOutcomeUnknown

T = TypeVar("T")

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 1.0
MAX_ATTEMPTS = 15
"""Limit for a transaction that no node accepts, because the payer has spent the money meanwhile."""


async def broadcast_until_final(
    attempt: Callable[[str], Awaitable[T]],
    urls: Sequence[str],
    *,
    until: float,
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> T:
    """The first clear outcome of `attempt`, which is called with the URLs in turn. The last call starts before `until`.

    Args:
        until: the event loop's time.
        longest_pause_s: seconds between two calls; the first pauses are shorter.

    Raises:
        PaymentOutcomeUnknown: no attempt had a clear outcome.
    """
    pause_s = min(FIRST_PAUSE_S, longest_pause_s)
    for url in itertools.islice(itertools.cycle(urls), MAX_ATTEMPTS):
        try:
            return await attempt(url)
        except PaymentOutcomeUnknown:
            await asyncio.sleep(pause_s)
        if asyncio.get_running_loop().time() > until:
            break
        pause_s = min(2 * pause_s, longest_pause_s)
    raise PaymentOutcomeUnknown()
