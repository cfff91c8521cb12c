"""Token transfers to an address over a period, read from the logs in bounded ranges."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

from payments.evm.abi import TRANSFER, address_topic
from payments.evm.question import JsonRpc
from payments.evm.questions import Log, block, block_number, logs

LOG_SPAN = 500
"""Blocks per search for log entries; public RPC services limit the range of one eth_getLogs."""


async def received(
    rpc: JsonRpc, tokens: Sequence[str], recipient: str, since: float, until: float, *, span: int = LOG_SPAN
) -> AsyncIterator[tuple[Log, int]]:
    """Each `Transfer` of these tokens to an address, with its block's time, in blocks from `since` on and before
    `until` (unix seconds), oldest first.

    Raises:
        RailUnavailable: the chain does not respond.
    """

    async def time_of(height: int) -> int:
        return (await rpc.ask(block(height))).timestamp

    latest = await rpc.ask(block_number())
    topics = [TRANSFER, None, address_topic(recipient)]
    for first, last in await blocks_between(time_of, latest, since, until, span=span):
        for log in await rpc.ask(logs(list(tokens), topics, first=first, last=last)):
            yield log, await time_of(log.block)


async def blocks_between(
    time_of: Callable[[int], Awaitable[int]], latest: int, since: float, until: float, *, span: int = LOG_SPAN
) -> Iterator[tuple[int, int]]:
    """The blocks of a period, oldest first, as ranges (first, last) of at most `span` blocks.

    Args:
        time_of: gives the unix seconds of a block, which never fall.
        latest: number of the chain's latest block.
        since, until: unix seconds; a block at `since` is in, one at `until` is not.
    """
    first = await _first_at(time_of, latest, since)
    end = await _first_at(time_of, latest, until)
    return ((start, min(start + span, end) - 1) for start in range(first, end, span))


async def _first_at(time_of: Callable[[int], Awaitable[int]], latest: int, at: float) -> int:
    """The first block that is not before `at`; the one after the latest when all are."""
    low, high = 0, latest + 1
    while low < high:
        middle = (low + high) // 2
        if await time_of(middle) < at:
            low = middle + 1
        else:
            high = middle
    return low
