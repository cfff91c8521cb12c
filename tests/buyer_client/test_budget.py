"""The budget holds for all workers, programs and runs that share a journal."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from clearcanvas import BudgetExhausted, CutOut
from clearcanvas.journal import EXPIRY_MARGIN_S, Journal
from clearcanvas.payment import Payment
from tests.buyer_client.buyer import Buyer, RailName
from tests.buyer_client.conftest import RAILS
from tests.buying import unique_photograph
from tests.clients.cutouts import PRICE


def payment(order: str, *, expires_at: int = 1000) -> Payment:
    """A payment of 5 cents that nobody has signed."""
    return Payment(
        order=order,
        rail="x402",
        network="eip155:84532",
        asset="0xA",
        payee="0xB",
        payer="0xC",
        amount=PRICE,
        header="PAYMENT-SIGNATURE",
        value=f"signed {order}",
        signed_at=0,
        expires_at=expires_at,
    )


@pytest.mark.parametrize("rail", RAILS)
async def test_two_programs_with_one_journal_stay_within_one_budget(
    buyer: Callable[[RailName], Buyer], rail: RailName
) -> None:
    """Each asks for three pictures at once, and together they may spend for two; the next run spends nothing more."""
    one, pictures = buyer(rail), [unique_photograph() for _ in range(6)]
    for _ in range(2):
        async with one.client(max_spend="0.12") as first, one.client(max_spend="0.12") as second:
            calls = [
                client.remove_background(picture) for client, picture in zip([first, second] * 3, pictures, strict=True)
            ]
            came = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, CutOut) for each in came) == 2
        assert sum(isinstance(each, BudgetExhausted) for each in came) == 4
        assert one.transfers() == [PRICE] * 2


async def test_two_programs_that_buy_the_same_picture_pay_once(buyer: Callable[[RailName], Buyer], photo: Path) -> None:
    one = buyer("x402")
    async with one.client() as first, one.client() as second:
        came = await asyncio.gather(first.remove_background(photo), second.remove_background(photo))
    assert came[0].content == came[1].content
    assert one.transfers() == [PRICE]


def test_the_program_says_that_the_budget_is_used_up(buyer: Callable[[RailName], Buyer], tmp_path: Path) -> None:
    """One of two pictures is bought; with a higher budget the next run buys the other."""
    one, photos = buyer("x402"), tmp_path / "photos"
    photos.mkdir()
    for name in ("1", "2"):
        (photos / name).write_bytes(unique_photograph())
    code, said = one.run(photos, "--max-spend", "0.09")
    assert (code, len(one.transfers())) == (3, 1), said
    assert "would exceed the budget of $0.09" in said
    code, said = one.run(photos, "--max-spend", "0.10")
    assert (code, len(one.transfers())) == (0, 2), said


def test_a_refused_payment_counts_until_it_can_no_longer_move(tmp_path: Path) -> None:
    """The service's word alone does not free its amount: its signature is still valid."""
    now = 900
    journal = Journal(tmp_path / "journal", clock=lambda: now)
    journal.unused(journal.record(payment("a", expires_at=1000), "photo", PRICE))
    with pytest.raises(BudgetExhausted):
        journal.record(payment("b"), "photo", PRICE)
    now = 1000 + EXPIRY_MARGIN_S
    journal.record(payment("b"), "photo", PRICE)
    assert journal.committed() == PRICE


def test_an_order_has_one_open_payment(tmp_path: Path) -> None:
    """Who comes second gets the first one's payment, which may be on its way already."""
    journal = Journal(tmp_path / "journal")
    first = journal.record(payment("a"), "photo", 10 * PRICE)
    second = journal.record(payment("a", expires_at=2000), "photo", 10 * PRICE)
    assert second == first
    assert journal.committed() == PRICE


def test_what_is_recorded_is_for_its_owner_alone_and_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    entry = Journal(path).record(payment("a"), "photo", PRICE)
    assert path.stat().st_mode & 0o077 == 0
    assert Journal(path).find("a") == entry
