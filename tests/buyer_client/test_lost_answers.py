"""Answers that get lost, or come too late, cost nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clearcanvas import Outcome, OutcomeUnknown
from clearcanvas.journal import Journal
from clearcanvas.payment import State
from tests.buyer_client.buyer import JOURNAL, Buyer, RailName
from tests.buyer_client.conftest import RAILS
from tests.clients.cutouts import PRICE
from tests.fakes.lossy_proxy import losing_answers


@pytest.mark.parametrize("rail", RAILS)
async def test_the_same_payment_is_sent_until_an_answer_arrives(
    buyer: Callable[[RailName], Buyer], photo: Path, rail: RailName
) -> None:
    """Two connections break after the service has delivered."""
    one = buyer(rail)
    with losing_answers(one.service.url, lose=2) as proxy:
        async with one.client(url=proxy.url) as client:
            cut_out = await client.remove_background(photo)
    assert (cut_out.outcome, cut_out.receipt["delivered_again"]) == (Outcome.BOUGHT, True)
    assert proxy.paid == [200, 200, 200]
    assert one.transfers() == [PRICE]


@pytest.mark.parametrize("rail", RAILS)
async def test_after_a_time_out_without_patience_the_next_call_fetches(
    buyer: Callable[[RailName], Buyer], photo: Path, rail: RailName
) -> None:
    """The payment stays on record, counts against the budget, and is sent by the next call."""
    one = buyer(rail)
    with losing_answers(one.service.url, after_s=3) as proxy:
        async with one.client(url=proxy.url, timeout_s=2, patience_s=0, max_spend="0.05") as client:
            with pytest.raises(OutcomeUnknown, match="on record"):
                await client.remove_background(photo)
            assert client.journal.committed() == PRICE
        async with one.client(url=proxy.url, max_spend="0.05") as client:
            assert (await client.remove_background(photo)).outcome is Outcome.FETCHED
    assert one.transfers() == [PRICE]
    [entry] = Journal(one.out / JOURNAL).entries()
    assert entry.state is State.RECEIVED
