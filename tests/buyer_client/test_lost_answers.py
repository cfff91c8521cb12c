"""Answers that get lost, or come too late, cost nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from clearcanvas import Outcome, OutcomeUnknown
from clearcanvas.journal import Journal
from clearcanvas.payment import State
from tests.buyer_client.buyer import JOURNAL, Buyer, RailName, somebody
from tests.buyer_client.conftest import RAILS
from tests.clients.cutouts import PRICE
from tests.fakes.captive_portal import CaptivePortal
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


@pytest.mark.parametrize("forward", [True, False])
async def test_a_page_of_another_network_is_no_cut_out(
    buyer: Callable[[RailName], Buyer], photo: Path, *, forward: bool
) -> None:
    """It is not saved as one, and the payment is kept."""
    one = buyer("x402")
    async with one.client(http=somebody(CaptivePortal(forward=forward))) as client:
        with pytest.raises(OutcomeUnknown, match="no other one is signed"):
            await client.remove_background_file(photo, one.out / "photo.png")
    assert not (one.out / "photo.png").exists()
    async with one.client() as client:
        again = await client.remove_background_file(photo, one.out / "photo.png")
    assert again.outcome is Outcome.FETCHED
    assert one.transfers() == [PRICE]


@pytest.mark.parametrize("rail", RAILS)
async def test_a_buyer_who_has_lost_the_journal_pays_once(
    buyer: Callable[[RailName], Buyer], photo: Path, rail: RailName
) -> None:
    """What is signed anew has the same Idempotency-Key: the service delivers again, for the old payment."""
    one = buyer(rail)
    for _ in range(2):
        async with one.client() as client:
            await client.remove_background(photo)
        (one.out / JOURNAL).unlink()
    assert one.transfers() == [PRICE]
