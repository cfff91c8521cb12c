"""Wherever a sale breaks off, who sends the same payment again is charged once, gets the picture and no second bill."""

import asyncio
from collections.abc import Callable

import pytest

from errors import LedgerUnavailable, PaymentRequired, ServiceError
from payments.sale import SaleResult
from tests.fakes.seller import Seller
from tests.fakes.steps import Crash, Moment, Steps

SALE = ("find", "admit", "verify", "claim", "work", "begin_settlement", "settle", "settled")
DOUBT = ("find", "take_over", "find_receipt", "settled", "admit", "count_delivery", "work")
RESALE = ("find", "take_over", "find_receipt", "release", "find", *SALE[1:])

FAULTS: dict[str, Callable[[], BaseException]] = {
    "crash": Crash,
    "ledger": lambda: LedgerUnavailable("The ledger does not answer."),
    "bug": lambda: RuntimeError("not mapped"),
}


async def buy(seller: Seller, steps: Steps | None = None) -> SaleResult | BaseException:
    """Send the payment once to a fresh process, and hold its answer against what has happened to the money."""
    steps = steps or Steps(None)
    [answer] = await asyncio.gather(seller.send(gate=seller.open(steps), steps=steps), return_exceptions=True)
    if isinstance(answer, SaleResult):
        assert seller.rail.moved, "delivered unpaid"
    elif seller.rail.moved and not isinstance(answer, Crash):
        # Where the ledger could not be asked, `charged` is left out.
        assert not isinstance(answer, ServiceError) or answer.charged is not False
        assert not isinstance(answer, PaymentRequired)
    return answer


async def buy_until_delivered(seller: Seller) -> None:
    """Send the same payment until the picture comes, as a patient buyer does."""
    for _ in range(3):
        answer = await buy(seller)
        if isinstance(answer, SaleResult):
            assert answer.delivery.body == b"erutcip"
            assert seller.rail.moved == ["payment"], "charged twice"
            return
        seller.leases_run_out()
    pytest.fail(f"not delivered: {answer!r}")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("step", range(len(SALE)), ids=SALE)
async def test_a_sale_that_breaks_off(seller: Seller, step: int, moment: Moment, fault: str) -> None:
    steps = Steps(step, moment, FAULTS[fault])
    broken = await buy(seller, steps)
    assert tuple(steps.names[: step + 1]) == SALE[: step + 1]
    assert isinstance(broken, BaseException)
    await buy_until_delivered(seller)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize(
    ("story", "step"),
    [(story, step) for story in (DOUBT, RESALE) for step in range(len(story))],
    ids=[f"{name}-{call}" for name, story in (("moved", DOUBT), ("unmoved", RESALE)) for call in story],
)
async def test_a_doubt_whose_clearing_breaks_off(
    seller: Seller, story: tuple[str, ...], step: int, moment: Moment, fault: str
) -> None:
    """The first process died while it settled, with and without the money gone; the second breaks off as well."""
    gone = Moment.AFTER if story is DOUBT else Moment.BEFORE
    await buy(seller, Steps(SALE.index("settle"), gone))
    seller.leases_run_out()
    steps = Steps(step, moment, FAULTS[fault])
    broken = await buy(seller, steps)
    assert tuple(steps.names[: step + 1]) == story[: step + 1]
    assert isinstance(broken, BaseException)
    await buy_until_delivered(seller)
