"""What happens to a payment that is sent again: on every rail, over real HTTP and real chains."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.clients.conftest import SIZE
from tests.clients.counter import RECEIPT_HEADER, WAYS, Counter
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.running_service import RunningService


@pytest.fixture(params=WAYS)
async def counter(request: pytest.FixtureRequest, running_service: RunningService) -> AsyncIterator[Counter]:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        yield Counter(running_service, client, request.param)


async def test_the_same_payment_gets_the_same_picture_for_one_charge(counter: Counter, picture: bytes) -> None:
    earned = counter.earned()
    payment = await counter.sign(picture)
    first = await counter.post(picture, payment)
    again = await counter.post(picture, payment)

    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert_cut_out(first.content, size=SIZE)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert counter.earned() - earned == PRICE


async def test_a_delivery_carries_the_receipt_of_its_rail_and_version_only(counter: Counter, picture: bytes) -> None:
    bought = await counter.post(picture, await counter.sign(picture))
    assert bought.status_code == 200, bought.text
    assert set(RECEIPT_HEADER.values()) & set(bought.headers) == {RECEIPT_HEADER[counter.way]}
    assert bought.headers["Cache-Control"] == "private"


async def test_a_used_payment_buys_no_other_picture(counter: Counter, picture: bytes, other_picture: bytes) -> None:
    payment = await counter.sign(picture)
    assert (await counter.post(picture, payment)).status_code == 200
    earned = counter.earned()

    other = await counter.post(other_picture, payment)
    webp = await counter.post(picture, payment, "format=webp")

    for refused in (other, webp):
        assert refused.status_code == 409
        assert (refused.json()["code"], refused.json()["charged"]) == ("payment_used", True)
        assert not set(RECEIPT_HEADER.values()) & set(refused.headers)
    assert counter.earned() == earned


async def test_copies_of_one_payment_at_once_are_charged_once(counter: Counter, picture: bytes) -> None:
    """One copy is served; the others are told to wait, or are served the same picture again."""
    earned = counter.earned()
    payment = await counter.sign(picture)
    answers = await asyncio.gather(*(counter.post(picture, payment) for _ in range(5)))

    served = [answer for answer in answers if answer.status_code == 200]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert served
    assert len(served) + len(waiting) == 5
    assert {answer.json()["code"] for answer in waiting} <= {"payment_in_progress"}
    assert len({answer.content for answer in served}) == 1
    assert counter.earned() - earned == PRICE
