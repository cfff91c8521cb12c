"""What every rail promises, as one class of tests that each rail inherits."""

import dataclasses
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import MalformedPayment, PaymentOutcomeUnknown, PaymentRejected, PaymentSpentElsewhere, RailUnavailable
from payments.chain_clock import ChainClock
from payments.money import Price
from payments.order import Order
from payments.rail import Challenge, Finality, HeaderFields, Payment, PaymentAttempt, Rail

UNITS = 50_000
NOBODY = "http://127.0.0.1:9"  # the discard port: nothing listens there
FIVE_MINUTES = 300.0
FAULTS = ("amount", "recipient", "network", "expired", "signature", "unfunded")


class Wall:
    """A host's clock, which somebody sets."""

    off = 0.0

    def __call__(self) -> float:
        return time.time() + self.off


class Buyer(Protocol):
    """A wallet with an official client, and the seller's balance."""

    async def pay(self, challenge: Challenge, fault: str | None = None) -> HeaderFields:
        """The payment header for a challenge; with one of FAULTS, the payment of somebody who cheats or errs."""
        ...

    def received(self) -> int:
        """What the seller holds, in base units."""
        ...


class RailContract:
    """Inherit as `class TestMyRail(RailContract)` and provide, there or in a conftest, the fixtures

    rpc_url   of the local chain
    build     makes a new rail on the chain at an RPC URL, as a freshly started service would
    buyer     a Buyer with funds on the local chain
    """

    payment_header: str
    """Name of the field a payment comes in, lower case."""

    @pytest.fixture
    async def rail(self, build: Callable[[str], Rail], rpc_url: str) -> AsyncIterator[Rail]:
        rail = build(rpc_url)
        yield rail
        await rail.aclose()

    @pytest.fixture
    async def restarted(self, build: Callable[[str], Rail], rpc_url: str) -> AsyncIterator[Rail]:
        rail = build(rpc_url)
        yield rail
        await rail.aclose()

    @pytest.fixture
    async def cut_off(self, build: Callable[[str], Rail]) -> AsyncIterator[Rail]:
        """A rail whose chain does not answer."""
        rail = build(NOBODY)
        yield rail
        await rail.aclose()

    @pytest.fixture(params=[-FIVE_MINUTES, FIVE_MINUTES])
    async def wrong_clock(
        self, request: pytest.FixtureRequest, build: Callable[..., Rail], rpc_url: str
    ) -> AsyncIterator[Rail]:
        """A rail on a host whose clock is wrong, once it has looked at the chain."""
        rail = build(rpc_url, clock=ChainClock(wall=lambda: time.time() + request.param))
        await rail.health()
        yield rail
        await rail.aclose()

    @pytest.fixture
    def order(self) -> Order:
        return Order(
            url="https://cut.example/v1/remove-background",
            method="POST",
            body=b"picture",
            parameters=(("format", "png"),),
            price=Price(Decimal("0.05")),
        )

    @pytest.fixture
    async def sent(self, rail: Rail, buyer: Buyer, order: Order) -> HeaderFields:
        """The payment header of a buyer who pays what was quoted."""
        return await buyer.pay(await rail.challenge(order))

    @pytest.fixture
    def attempt(self, rail: Rail, sent: HeaderFields) -> PaymentAttempt:
        return read(rail, sent)

    async def test_quotes_without_asking_the_chain(self, cut_off: Rail, rail: Rail, order: Order) -> None:
        quote = await cut_off.challenge(order)
        assert quote.headers
        assert (await rail.challenge(order)).members.keys() == quote.members.keys()

    async def test_reads_no_payment_where_there_is_none(self, rail: Rail) -> None:
        assert rail.read((("content-type", "image/png"),)) is None

    async def test_says_what_the_payer_holds_and_until_when_to_work(
        self, rail: Rail, attempt: PaymentAttempt, order: Order
    ) -> None:
        """What is refused for its time is refused for good: the moment does not depend on when it is verified."""
        first, second = [await attempt.verify(order) for _ in range(2)]
        assert first.funds is not None
        assert first.funds >= first.amount
        assert time.time() < first.work_by < first.valid_before
        assert first.work_by == second.work_by == attempt.work_by

    async def test_sells_once(
        self, rail: Rail, restarted: Rail, buyer: Buyer, order: Order, attempt: PaymentAttempt
    ) -> None:
        """A valid payment settles; settling it again moves nothing and gives the same receipt; so does a restart."""
        before = buyer.received()
        payment = await attempt.verify(order)
        assert buyer.received() == before
        receipt = await attempt.settle(payment)
        again = await attempt.settle(payment)
        found = await restarted.find_receipt(remembered(payment))
        assert buyer.received() == before + UNITS
        assert found is not None
        assert again.transaction == receipt.transaction == found.transaction
        headers = {attempt.receipt_headers(each) for each in (receipt, again, found)}
        assert len(headers) == 1

    async def test_says_what_was_paid(self, rail: Rail, order: Order, attempt: PaymentAttempt) -> None:
        payment = await attempt.verify(order)
        assert payment.id == attempt.credential.payment_id
        assert payment.rail == rail.name == attempt.credential.rail
        assert payment.amount == UNITS
        assert payment.payer == payment.payer.lower()

    async def test_tells_whose_signature_it_is_without_asking_the_chain(
        self, rail: Rail, cut_off: Rail, buyer: Buyer, order: Order, sent: HeaderFields, attempt: PaymentAttempt
    ) -> None:
        """Limits count by payer, so nobody may use up somebody else's."""
        signer = read(cut_off, sent).signer()
        assert signer == (await attempt.verify(order)).payer
        forged = await buyer.pay(await rail.challenge(order), "signature")
        assert read(cut_off, forged).signer() != signer

    async def test_a_host_whose_clock_is_wrong_refuses_no_payment_and_takes_none(
        self, wrong_clock: Rail, order: Order, sent: HeaderFields
    ) -> None:
        """It is named as out, and another host can sell for the same payment."""
        fault = await wrong_clock.health()
        assert fault is not None
        assert re.search(r"\b(29\d|30\d) s\b", fault)
        with pytest.raises(RailUnavailable):
            await read(wrong_clock, sent).verify(order)

    async def test_a_clock_that_is_set_during_the_work_does_not_end_the_sale(
        self, build: Callable[..., Rail], rpc_url: str, buyer: Buyer, order: Order, sent: HeaderFields
    ) -> None:
        wall = Wall()
        rail = build(rpc_url, clock=ChainClock(wall=wall))
        attempt = read(rail, sent)
        assert await rail.health() is None
        before, payment = buyer.received(), await attempt.verify(order)
        wall.off = FIVE_MINUTES
        assert await attempt.settle(payment)
        assert buyer.received() == before + UNITS

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_rejects(self, rail: Rail, buyer: Buyer, order: Order, fault: str) -> None:
        """A payment that cannot pay for the order is refused with a reason, and no money moves."""
        before = buyer.received()
        attempt = read(rail, await buyer.pay(await rail.challenge(order), fault))
        with pytest.raises(PaymentRejected) as refusal:
            await attempt.verify(order)
        assert refusal.value.reason
        assert buyer.received() == before

    async def test_rejects_a_payment_spent_elsewhere(
        self, restarted: Rail, order: Order, sent: HeaderFields, attempt: PaymentAttempt
    ) -> None:
        """A payment that the chain knows and the ledger does not is refused at once."""
        await attempt.settle(await attempt.verify(order))
        with pytest.raises(PaymentSpentElsewhere):
            await read(restarted, sent).verify(order)

    async def test_finds_no_receipt_of_what_was_never_settled(
        self, rail: Rail, order: Order, attempt: PaymentAttempt
    ) -> None:
        """That nothing moved, or that it is too early to say so: never that something did."""
        payment = await attempt.verify(order)
        with suppress(PaymentOutcomeUnknown):
            assert await rail.find_receipt(payment) is None

    async def test_looks_again_at_what_has_settled(
        self, rail: Rail, cut_off: Rail, order: Order, attempt: PaymentAttempt
    ) -> None:
        """A settlement of a moment ago is in the chain and not deep yet; a chain that is down says nothing of it."""
        payment = remembered(await attempt.verify(order))
        receipt = await attempt.settle(payment)
        assert await rail.recheck(payment, receipt) is Finality.PENDING
        with pytest.raises(PaymentOutcomeUnknown):
            await cut_off.recheck(payment, receipt)

    async def test_calls_an_outage_an_outage(self, cut_off: Rail, order: Order, sent: HeaderFields) -> None:
        """A chain that is down never looks like a bad payment."""
        with pytest.raises(RailUnavailable):
            await read(cut_off, sent).verify(order)

    async def test_is_healthy_with_a_chain_only(self, rail: Rail, cut_off: Rail) -> None:
        assert await rail.health() is None
        assert await cut_off.health()

    async def test_reads_a_payment_that_comes_twice_as_one(self, rail: Rail, buyer: Buyer, order: Order) -> None:
        headers = await buyer.pay(await rail.challenge(order))
        ((name, value),) = headers
        assert rail.read(headers + headers) == rail.read(headers)
        assert rail.read(((name, f"{value}, {value}"), (name, ""))) == rail.read(headers)

    async def test_refuses_two_payments_at_once(self, rail: Rail, buyer: Buyer, order: Order) -> None:
        first, second = [await buyer.pay(await rail.challenge(order)) for _ in range(2)]
        with pytest.raises(MalformedPayment):
            rail.read(first + second)

    # One rail serves all examples and one test all rails: reading keeps no state.
    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors], deadline=None
    )
    @given(value=st.text(alphabet=st.characters(max_codepoint=255), max_size=300))
    def test_reads_any_bytes_or_refuses_them(self, rail: Rail, value: str) -> None:
        """As malformed, or with a fresh quote where the rail's specification wants that."""
        with suppress(MalformedPayment, PaymentRejected):
            rail.read(((self.payment_header, value),))


def read(rail: Rail, sent: HeaderFields) -> PaymentAttempt:
    """The payment that a rail reads from these header fields."""
    attempt = rail.read(sent)
    assert attempt is not None
    return attempt


def remembered(payment: Payment) -> Payment:
    """The payment as it comes back from a ledger after a restart: its evidence went through JSON."""
    return dataclasses.replace(payment, evidence=json.loads(json.dumps(dict(payment.evidence))))
