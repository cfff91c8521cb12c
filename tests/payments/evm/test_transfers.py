"""The blocks of a period, found by their times and read in bounded ranges."""

import pytest

from payments.evm.transfers import blocks_between

TIMES = [0, 10, 10, 12, 20, 30]
"""Of the blocks 0 to 5; two of them have the same."""


@pytest.mark.parametrize(
    ("since", "until", "blocks"),
    [
        (0, 100, [0, 1, 2, 3, 4, 5]),
        (10, 20, [1, 2, 3]),
        (10.5, 12, []),
        (12, 12.5, [3]),
        (30, 31, [5]),
        (31, 100, []),
        (-5, 0, []),
        (20, 10, []),
    ],
)
@pytest.mark.parametrize("span", [1, 2, 500])
async def test_every_block_of_the_period_is_in_one_bounded_range(
    since: float, until: float, blocks: list[int], span: int
) -> None:
    async def time_of(block: int) -> int:
        return TIMES[block]

    ranges = list(await blocks_between(time_of, len(TIMES) - 1, since, until, span=span))
    assert [block for first, last in ranges for block in range(first, last + 1)] == blocks
    assert all(0 < last - first + 1 <= span for first, last in ranges)


async def test_asks_for_few_blocks_of_a_long_chain() -> None:
    asked = []

    async def time_of(block: int) -> int:
        asked.append(block)
        return 2 * block

    [only] = await blocks_between(time_of, 50_000_000, 60_000_000, 60_000_100)
    assert only == (30_000_000, 30_000_049)
    assert len(asked) < 60
