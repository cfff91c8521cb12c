"""What happens to a payment that is sent again: on every rail, over real HTTP and real chains."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

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


async def test_who_hangs_up_in_the_work_is_not_charged(counter: Counter, picture: bytes) -> None:
    """The payment is still good: its buyer comes back with it, and pays once."""
    earned, unheard = counter.earned(), await _unheard(counter)
    payment = await counter.sign(picture)
    await _send_and_hang_up(counter, picture, payment)
    async with asyncio.timeout(20):
        while await _unheard(counter) == unheard:  # noqa: ASYNC110 - a service tells by its counters only
            await asyncio.sleep(0.1)
    assert counter.earned() == earned
    bought = await counter.post(picture, payment)
    assert (bought.status_code, "Idempotent-Replayed" in bought.headers) == (200, False), bought.text
    assert counter.earned() - earned == PRICE


async def _unheard(counter: Counter) -> float:
    """How many payments were given back because their buyer was gone."""
    metrics = (await counter.client.get(f"{counter.service.url}/metrics")).text
    lines = [line for line in metrics.splitlines() if 'outcome="client_disconnected"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def _send_and_hang_up(counter: Counter, picture: bytes, payment: dict[str, str]) -> None:
    """Send the whole request, and cut the connection before there can be an answer."""
    address = urlsplit(counter.service.url)
    fields = {"Host": address.netloc, "Content-Type": "image/jpeg", "Content-Length": str(len(picture)), **payment}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /v1/remove-background? HTTP/1.1\r\n{head}\r\n".encode() + picture)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
