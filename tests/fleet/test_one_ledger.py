"""Several processes sell as one: over real HTTP, real chains and a real database, on every rail."""

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import count, cycle

import httpx
import numpy as np
import pytest
from eth_account import Account
from PIL import Image
from skimage import data

from sandbox.wallets import challenges
from tests.clients.cutouts import PRICE
from tests.clients.purchase_client import PurchaseClient, Way
from tests.examples import is_nightly
from tests.fakes.serving import TRUST
from tests.fleet.conftest import Fleet
from tests.payments.mpp.buyer import sign

COPIES = 100
AT_ONCE = [pytest.param(12, id="twelve"), pytest.param(40, id="forty", marks=pytest.mark.nightly)]
NIGHTLY_ROUNDS: dict[Way, int] = {"x402 v2": 5, "mpp": 1}
"""A settlement key has nonces to get wrong, MPP payments have none in common. By day there is one round of each."""
PATIENCE = 60
"""How often a buyer who is told to wait asks again."""

FUNDS = 100_000_000
"""Base units that each buyer starts with: 100 dollars."""

_seeds = count()


def picture() -> bytes:
    """A small picture that no other test has."""
    file = BytesIO()
    person = np.asarray(Image.fromarray(data.astronaut()).resize((64, 64)))
    grain = np.random.default_rng(next(_seeds)).integers(0, 8, person.shape, np.uint8)
    Image.fromarray(person & 0xF8 | grain).save(file, "JPEG")
    return file.getvalue()


class Buyer:
    """Sends requests to the services of a fleet in turn, from many addresses; pays from an account of its own."""

    def __init__(self, fleet: Fleet, way: Way, client: httpx.AsyncClient) -> None:
        account = Account.create()
        self._key = "0x" + bytes(account.key).hex()
        self._services = cycle(fleet)
        self.way = way
        self._client = client
        self._next().chain.fund(account.address, FUNDS)

    def _next(self) -> PurchaseClient:
        return PurchaseClient(next(self._services), self._client, self.way, key=self._key)

    def earned(self) -> int:
        return self._next().earned()

    async def sign(self, wanted: bytes) -> dict[str, str]:
        """MPP without the official client: it makes a TLS context for each question to its node, and on a busy machine
        the first of forty payments expires before the last one is signed."""
        if self.way != "mpp":
            return await self._next().sign(wanted)
        quote = await self._next().post(wanted, {})
        first, *_ = challenges(quote.headers["WWW-Authenticate"])
        return {"Authorization": sign(first, key=self._key).to_authorization()}

    async def send(self, wanted: bytes, payment: dict[str, str]) -> httpx.Response:
        return await self._next().post(wanted, payment)

    async def fetch(self, wanted: bytes, payment: dict[str, str]) -> httpx.Response:
        """Send the payment, and again for as long as the answer is to wait."""
        answer = await self.send(wanted, payment)
        for _ in range(PATIENCE):
            if answer.status_code == 200 or not answer.json()["retryable"]:
                break
            await asyncio.sleep(0.5)
            answer = await self.send(wanted, payment)
        return answer


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    # A connection for each request: the services close one that was idle, and it could be taken up at that moment.
    limits = httpx.Limits(max_connections=COPIES, max_keepalive_connections=0)
    async with httpx.AsyncClient(timeout=120, trust_env=False, verify=TRUST, limits=limits) as client:
        yield client


@pytest.fixture(params=["x402 v2", "mpp"])
def buyer(request: pytest.FixtureRequest, fleet: Fleet, client: httpx.AsyncClient) -> Buyer:
    return Buyer(fleet, request.param, client)


async def test_what_one_process_sold_every_process_delivers_again(buyer: Buyer) -> None:
    wanted, earned = picture(), buyer.earned()
    payment = await buyer.sign(wanted)
    answers = [await buyer.send(wanted, payment) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None] + 5 * ["true"]
    assert buyer.earned() - earned == PRICE


async def test_a_hundred_copies_at_once_are_one_settlement_and_one_picture(buyer: Buyer) -> None:
    wanted, earned = picture(), buyer.earned()
    payment = await buyer.sign(wanted)
    answers = await asyncio.gather(*(buyer.fetch(wanted, payment) for _ in range(COPIES)))
    assert [answer.status_code for answer in answers] == [200] * COPIES
    assert len({answer.content for answer in answers}) == 1
    assert len([answer for answer in answers if "Idempotent-Replayed" not in answer.headers]) == 1
    assert buyer.earned() - earned == PRICE


async def test_a_hundred_copies_of_a_settled_payment_are_delivered(buyer: Buyer) -> None:
    wanted, earned = picture(), buyer.earned()
    payment = await buyer.sign(wanted)
    first = await buyer.send(wanted, payment)
    answers = await asyncio.gather(*(buyer.send(wanted, payment) for _ in range(COPIES)))
    assert [answer.status_code for answer in answers] == [200] * COPIES
    assert {answer.content for answer in answers} == {first.content}
    assert buyer.earned() - earned == PRICE


@pytest.mark.parametrize("at_once", AT_ONCE)
async def test_payments_at_once_are_all_served_again_and_again(buyer: Buyer, at_once: int) -> None:
    """None is stuck behind another one: one key settles for all processes, without gaps in its nonces."""
    earned, rounds = buyer.earned(), NIGHTLY_ROUNDS[buyer.way] if is_nightly() else 1
    for _ in range(rounds):
        pictures = [picture() for _ in range(at_once)]
        # All at once: MPP's clients sign for 25 seconds, and one after the other the first would wait for the last.
        payments = await asyncio.gather(*map(buyer.sign, pictures))
        answers = await asyncio.gather(*map(buyer.fetch, pictures, payments))
        assert [answer.status_code for answer in answers] == [200] * at_once, [
            answer.text for answer in answers if answer.status_code != 200
        ]
    assert buyer.earned() - earned == rounds * at_once * PRICE


async def test_one_name_is_one_purchase_in_every_process(buyer: Buyer) -> None:
    wanted, earned = picture(), buyer.earned()
    key = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
    payments = [{**await buyer.sign(wanted), **key} for _ in range(4)]
    answers = await asyncio.gather(*(buyer.fetch(wanted, payment) for payment in payments))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    other = picture()
    refused = await buyer.send(other, {**await buyer.sign(other), **key})
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_used")
    assert not refused.json()["charged"]
    assert buyer.earned() - earned == PRICE
