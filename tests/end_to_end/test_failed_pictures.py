"""A picture whose fault shows only while it is cut out, after its payment was verified; then the service goes on."""

from collections.abc import Callable

import pytest

from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import RECEIPT_HEADER, WAYS, PurchaseClient, Way
from tests.end_to_end.refusals import assert_refused
from tests.imaging.samples import png

DAMAGED = png(64, 64, 8, 2, b"too few bytes for as many pixels")
PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("way", WAYS)
async def test_a_payment_whose_picture_failed_is_not_charged_and_buys_the_next_one(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer = buyer_for(way)
    earned = buyer.earned()
    payment = await buyer.sign(b"")  # the quote of an empty request is good for any picture
    assert_refused(await buyer.post(DAMAGED, {**PNG, **payment}), 400, "invalid_image")
    assert buyer.earned() == earned

    bought = await buyer.post(picture, payment)
    assert bought.status_code == 200, bought.text
    assert_cut_out(bought.content, size=(512, 512))
    assert RECEIPT_HEADER[way] in bought.headers
    assert buyer.earned() == earned + PRICE


@pytest.mark.parametrize("way", WAYS)
async def test_a_payment_replayed_for_another_picture_conflicts(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, way: Way
) -> None:
    buyer = buyer_for(way)
    payment = await buyer.sign(b"")
    assert (await buyer.post(picture, payment)).status_code == 200
    earned = buyer.earned()

    again = await buyer.post(picture, payment)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert_refused(await buyer.post(DAMAGED, {**PNG, **payment}), 409, "payment_used", charged=True)
    assert buyer.earned() == earned
    assert (await buyer.client.get(f"{buyer.service.url}/readyz")).status_code == 200
