"""Pictures that cannot be bought, payments that were not good, and what was paid long ago."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from clearcanvas import AlreadyPaid, Outcome, PictureRefused, ResultInTheWay, WalletProblem
from clearcanvas.journal import Journal
from clearcanvas.order import Order
from clearcanvas.payment import Payment, State
from clearcanvas.picture import Picture
from tests.buyer_client.buyer import JOURNAL, Buyer, RailName
from tests.buyer_client.conftest import RAILS
from tests.buying import ROUTE, unique_photograph
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import PurchaseClient
from tests.end_to_end.cheats import pay_badly
from tests.fakes.serving import TRUST


@pytest.mark.parametrize("rail", RAILS)
async def test_a_damaged_picture_is_not_paid(buyer: Callable[[RailName], Buyer], rail: RailName) -> None:
    """Cut in half, which only decoding shows: the payment is sent, and given back."""
    one, picture = buyer(rail), unique_photograph()
    async with one.client() as client:
        with pytest.raises(PictureRefused, match="not charged"):
            await client.remove_background(picture[: len(picture) // 2])
    assert one.transfers() == []
    [entry] = Journal(one.out / JOURNAL).entries()
    assert entry.state is State.UNUSED


@pytest.mark.parametrize("content", [b"", b"not a picture", b"GIF89a", b"\0\0\0\x18ftypheic" + bytes(20)])
async def test_what_is_no_picture_is_not_even_sent(buyer: Callable[[RailName], Buyer], content: bytes) -> None:
    one = buyer("x402")
    async with one.client(url="http://127.0.0.1:1") as client:
        with pytest.raises(PictureRefused, match="JPEG, PNG or WebP"):
            await client.remove_background(content)


async def test_an_expired_payment_is_sent_first_and_then_replaced(buyer: Callable[[RailName], Buyer]) -> None:
    """It was recorded before a crash, and its time is over: the service proves it unused, and one new payment buys."""
    one, picture = buyer("x402"), unique_photograph()
    async with one.client(max_spend="0.05") as client:
        await _record_expired(client.journal, one, Order(f"{one.service.url}{ROUTE}?", Picture.of(picture)))
        assert (await client.remove_background(picture)).outcome is Outcome.BOUGHT
        assert [entry.state for entry in client.journal.entries()] == [State.UNUSED, State.RECEIVED]
    assert one.transfers() == [PRICE]


async def _record_expired(journal: Journal, one: Buyer, order: Order) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as http:
        buyer = PurchaseClient(one.service, http, "x402 v2", key=one.key)
        value = await pay_badly(buyer, order.picture.content, 2, "expired")
    expired = Payment(
        order=order.id,
        rail="x402",
        network="eip155:84532",
        asset=one.chain.token,
        payee="",
        payer="",
        amount=PRICE,
        header="PAYMENT-SIGNATURE",
        value=value,
        signed_at=0,
        expires_at=100,
    )
    journal.record(expired, "photo", PRICE)


async def test_a_wallet_without_funds_is_told_so(buyer: Callable[[RailName], Buyer], photo: Path) -> None:
    one = buyer("x402")
    poor = Buyer(one.service, "x402", one.folder, "0x" + "12" * 32)
    async with poor.client() as client:
        with pytest.raises(WalletProblem, match="lacks funds"):
            await client.remove_background(photo)


async def test_what_was_paid_and_is_no_longer_delivered_is_bought_again_only_when_told(
    buyer: Callable[[RailName], Buyer], photo: Path
) -> None:
    """The service answers as it does after 24 hours, because the payment on record has bought another picture."""
    one, other = buyer("x402"), unique_photograph()
    async with one.client() as client:
        await client.remove_background(other)
        [entry] = client.journal.entries()
        order = Order(f"{one.service.url}{ROUTE}?", Picture.read(photo))
        client.journal.record(replace(entry.payment, order=order.id), str(photo), 10 * PRICE)
        with pytest.raises(AlreadyPaid, match="--pay-again"):
            await client.remove_background(photo)
    assert one.transfers() == [PRICE]
    async with one.client(pay_again=True) as client:
        assert (await client.remove_background(photo)).outcome is Outcome.BOUGHT
        assert [entry.state for entry in client.journal.entries()] == [State.RECEIVED, State.LOST, State.RECEIVED]
    assert one.transfers() == [PRICE] * 2


async def test_a_file_in_the_way_is_left_alone_and_nothing_is_paid(
    buyer: Callable[[RailName], Buyer], photo: Path, tmp_path: Path
) -> None:
    one, target = buyer("x402"), tmp_path / "drawing.png"
    target.write_text("work of hours")
    async with one.client() as client:
        with pytest.raises(ResultInTheWay):
            await client.remove_background_file(photo, target)
        assert one.transfers() == []
        bought = await client.remove_background_file(photo, target, overwrite=True)
        assert target.read_bytes() == bought.content
        target.write_bytes(bought.content + b"retouched")
        with pytest.raises(ResultInTheWay):
            await client.remove_background_file(photo, target)


def test_a_cut_out_is_not_bought_again_as_a_picture(buyer: Callable[[RailName], Buyer], photo: Path) -> None:
    """As a shell's `*` would have it, when results lie beside pictures."""
    one = buyer("x402")
    assert one.run(photo)[0] == 0
    copy = (one.out / "photo.png").rename(one.folder / "copy.png")
    code, said = one.run(copy)
    assert (code, one.transfers()) == (1, [PRICE])
    assert "result of an earlier purchase" in said


async def test_the_same_picture_in_two_files_is_paid_once(
    buyer: Callable[[RailName], Buyer], photo: Path, tmp_path: Path
) -> None:
    one = buyer("x402")
    async with one.client() as client:
        first = await client.remove_background_file(photo, tmp_path / "1.png")
        second = await client.remove_background_file(photo, tmp_path / "2.png")
    assert (first.outcome, second.outcome) == (Outcome.BOUGHT, Outcome.COPIED)
    assert (tmp_path / "2.png").read_bytes() == (tmp_path / "1.png").read_bytes() == first.content
    assert one.transfers() == [PRICE]
