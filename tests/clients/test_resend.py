"""What happens to a payment that is sent again: on every rail, over real HTTP and real chains."""

import asyncio
import io
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.buying import funded_key
from tests.clients.cutouts import PRICE, assert_cut_out
from tests.clients.purchase_client import RECEIPT_HEADER, WAYS, PurchaseClient
from tests.fakes.serving import TRUST
from tests.pictures import SIZE
from tests.running_service import RunningService


@pytest.fixture(params=WAYS)
async def buyer(request: pytest.FixtureRequest, running_service: RunningService) -> AsyncIterator[PurchaseClient]:
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        yield PurchaseClient(running_service, client, request.param)


async def test_the_same_payment_gets_the_same_picture_for_one_charge(buyer: PurchaseClient, picture: bytes) -> None:
    earned = buyer.earned()
    payment = await buyer.sign(picture)
    first = await buyer.post(picture, payment)
    again = await buyer.post(picture, payment)

    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert_cut_out(first.content, size=SIZE)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert buyer.earned() - earned == PRICE


async def test_a_delivery_carries_the_receipt_of_its_rail_and_version_only(
    buyer: PurchaseClient, picture: bytes
) -> None:
    bought = await buyer.post(picture, await buyer.sign(picture))
    assert bought.status_code == 200, bought.text
    assert set(RECEIPT_HEADER.values()) & set(bought.headers) == {RECEIPT_HEADER[buyer.way]}
    assert bought.headers["Cache-Control"] == "private"


async def test_a_used_payment_buys_no_other_picture(
    buyer: PurchaseClient, picture: bytes, other_picture: bytes
) -> None:
    payment = await buyer.sign(picture)
    assert (await buyer.post(picture, payment)).status_code == 200
    earned = buyer.earned()

    other = await buyer.post(other_picture, payment)
    webp = await buyer.post(picture, payment, "format=webp")

    for refused in (other, webp):
        assert refused.status_code == 409
        assert (refused.json()["code"], refused.json()["charged"]) == ("payment_used", True)
        assert not set(RECEIPT_HEADER.values()) & set(refused.headers)
    assert buyer.earned() == earned


async def test_copies_of_one_payment_at_once_are_charged_once(buyer: PurchaseClient, picture: bytes) -> None:
    """One copy is served; the others are told to wait, or are served the same picture again."""
    earned = buyer.earned()
    payment = await buyer.sign(picture)
    answers = await asyncio.gather(*(buyer.post(picture, payment) for _ in range(5)))

    served = [answer for answer in answers if answer.status_code == 200]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert served
    assert len(served) + len(waiting) == 5
    assert {answer.json()["code"] for answer in waiting} <= {"payment_in_progress"}
    assert len({answer.content for answer in served}) == 1
    assert buyer.earned() - earned == PRICE


async def test_who_hangs_up_in_the_work_is_not_charged(buyer: PurchaseClient, picture: bytes) -> None:
    """The payment is still good: its buyer comes back with it, and pays once.

    Work for nothing counts ten times against its payer, so this payer buys nowhere else.
    """
    buyer, picture = replace(buyer, key=_funded(buyer)), _never_sold(picture)
    earned, unheard = buyer.earned(), await _unheard(buyer)
    payment = await buyer.sign(picture)
    async with asyncio.timeout(60):
        # A busy service may read the request and the end of the connection at once: then no work begins.
        await _send_and_hang_up(buyer, picture, payment)
        while not await _is_noticed(buyer, unheard, within_s=2):
            await _send_and_hang_up(buyer, picture, payment)
    assert buyer.earned() == earned
    bought = await buyer.post(picture, payment)
    assert (bought.status_code, "Idempotent-Replayed" in bought.headers) == (200, False), bought.text
    assert buyer.earned() - earned == PRICE


def _funded(buyer: PurchaseClient) -> str:
    """The key of an account that has bought nothing yet."""
    return funded_key(buyer.service.base_chain, buyer.service.tempo_chain, funds=10 * PRICE)


def _never_sold(picture: bytes) -> bytes:
    """The same picture in another file: the result of one that was sold is kept, and takes no work."""
    file = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(file, "JPEG", quality=90, comment=secrets.token_hex(8))
    return file.getvalue()


async def _unheard(buyer: PurchaseClient) -> float:
    """How many payments were given back because their buyer was gone."""
    metrics = (await buyer.client.get(f"{buyer.service.url}/metrics")).text
    lines = [line for line in metrics.splitlines() if 'outcome="client_disconnected"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def _is_noticed(buyer: PurchaseClient, before: float, within_s: float) -> bool:
    """Whether a payment was given back since there were `before` of them; asked again for some seconds."""
    asked_until = time.monotonic() + within_s
    while time.monotonic() < asked_until:
        if await _unheard(buyer) > before:
            return True
        await asyncio.sleep(0.1)
    return False


async def _send_and_hang_up(buyer: PurchaseClient, picture: bytes, payment: dict[str, str]) -> None:
    """Send the whole request, and cut the connection before there can be an answer."""
    address = urlsplit(buyer.service.url)
    fields = {"Host": address.netloc, "Content-Type": "image/jpeg", "Content-Length": str(len(picture)), **payment}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /v1/remove-background? HTTP/1.1\r\n{head}\r\n".encode() + picture)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
