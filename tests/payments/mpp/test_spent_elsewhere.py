"""One payment, one picture, whatever the ledger: what another one settled buys nothing here and is not "unused"."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import mpp
import pytest

import storage
from errors import PaymentOutcomeUnknown, PaymentSpentElsewhere, ServiceError
from payments.gate import Gate
from payments.mpp.rail import MppRail
from payments.order import Order
from payments.rail import HeaderFields
from payments.result_cache import Delivery
from payments.sale import SaleRequest, SaleResult
from sandbox.accounts import STRANGER
from sandbox.chains import TempoChain
from tests.contracts.rail_contract import UNITS
from tests.empty_ledger import empty_ledger
from tests.fakes.node import node
from tests.payments.mpp.buyer import MppBuyer, challenge_of, header, sign
from tests.payments.mpp.verifying import judge, read, refusal

Build = Callable[..., MppRail]


async def settled(rail: MppRail, payment: HeaderFields, order: Order) -> None:
    """As another service of the same seller would settle it."""
    credential = read(rail, payment)
    await rail.bind(credential).settle(await rail.bind(credential).verify(order))


async def spent(rail: MppRail, payment: HeaderFields, order: Order) -> bool | None:
    """What the refusal of a spent payment says about the money."""
    with pytest.raises(PaymentSpentElsewhere) as refused:
        await judge(rail, payment, order)
    return refused.value.charged


class TestAnotherLedger:
    @pytest.fixture
    def first(self, build: Build) -> MppRail:
        return build(ledger_id="first")

    @pytest.fixture
    def second(self, build: Build) -> MppRail:
        return build(ledger_id="second")

    async def test_takes_the_challenges_of_its_own(
        self, build: Build, first: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        """On every machine that shares the ledger."""
        payment = await buyer.pay(await first.challenge(order))
        assert await judge(build(ledger_id="first"), payment, order)

    async def test_is_in_doubt_while_the_first_may_be_settling(
        self, first: MppRail, second: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        """A fresh quote would be a second charge; and it does not settle by itself."""
        before = buyer.received()
        payment = await buyer.pay(await first.challenge(order))
        for ledger in (second, second):
            with pytest.raises(PaymentOutcomeUnknown):
                await judge(ledger, payment, order)
        await settled(first, payment, order)
        assert await spent(second, payment, order) is True
        assert buyer.received() == before + UNITS

    async def test_refuses_what_can_no_longer_move(
        self, build: Build, first: MppRail, buyer: MppBuyer, order: Order, rpc_url: str
    ) -> None:
        payment = await buyer.pay(await first.challenge(order))
        with node(rpc_url) as (ahead, url):
            ahead.late_s = -120
            later = build(url, ledger_id="second")
            assert await refusal(later, payment, order) == "invalid-challenge"

    async def test_a_ledger_without_an_identity_is_another_one(
        self, build: Build, first: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        payment = await buyer.pay(await first.challenge(order))
        with pytest.raises(PaymentOutcomeUnknown):
            await judge(build(), payment, order)

    async def test_the_identity_cannot_be_exchanged(
        self, first: MppRail, second: MppRail, buyer: MppBuyer, order: Order
    ) -> None:
        for_first, for_second = [challenge_of(await rail.challenge(order)) for rail in (first, second)]
        credential = sign(for_first)
        echo = dataclasses.replace(credential.challenge, opaque=for_second.to_echo().opaque)
        forged = dataclasses.replace(credential, challenge=echo)
        assert await refusal(second, header(forged), order) == "invalid-challenge"


class TestALostLedger:
    """What it settled is known to the chain alone. The new one has the same secret, or another one."""

    @pytest.fixture
    async def payment(self, build: Build, buyer: MppBuyer, order: Order) -> HeaderFields:
        lost = build(ledger_id="lost", challenge_seconds=12, work_margin_s=1.0, broadcast_margin_s=0.5)
        payment = await buyer.pay(await lost.challenge(order))
        await settled(lost, payment, order)
        return payment

    @pytest.mark.parametrize(
        "change", [{}, {"ledger_id": "lost"}, {"secret_key": "n" * 32}], ids=["new", "old", "secret"]
    )
    async def test_its_payments_are_spent(
        self, build: Build, payment: HeaderFields, order: Order, change: dict[str, str]
    ) -> None:
        """ "Old" is a ledger that was restored from a back-up."""
        assert await spent(build(**{"ledger_id": "new", **change}), payment, order) is True

    async def test_they_are_spent_whatever_is_wrong_with_them_meanwhile(
        self, build: Build, payment: HeaderFields, order: Order
    ) -> None:
        rail = build(ledger_id="new")
        for asked in (
            order,
            dataclasses.replace(order, body=b"another"),
            dataclasses.replace(order, url="https://a.example/"),
        ):
            assert await spent(rail, payment, asked) is True

    async def test_they_are_spent_when_they_have_expired(
        self, build: Build, payment: HeaderFields, order: Order
    ) -> None:
        rail, until = build(ledger_id="lost"), read(build(), payment).transaction.valid_before
        await asyncio.sleep(max(0.0, until + 0.5 - time.time()))
        assert await spent(rail, payment, order) is True


class TestPushed:
    """The hash of a transaction that the payer has sent: we asked for none, but the money may have come."""

    async def test_what_has_paid_us_is_not_called_unused(
        self, rail: MppRail, order: Order, tempo_chain: TempoChain
    ) -> None:
        asked = challenge_of(await rail.challenge(order))
        sent = tempo_chain.rpc.call("eth_sendRawTransactionSync", sign(asked).payload["signature"])
        pushed = mpp.Credential(asked.to_echo(), {"type": "hash", "hash": sent["transactionHash"]})
        assert await spent(rail, header(pushed), order) is True

    @pytest.mark.parametrize("case", ["unknown", "to somebody else"])
    async def test_what_has_not_is_refused(
        self, rail: MppRail, order: Order, tempo_chain: TempoChain, case: str
    ) -> None:
        asked = challenge_of(await rail.challenge(order))
        sent = {"transactionHash": "0x" + "1" * 64}
        if case == "to somebody else":
            sent = tempo_chain.rpc.call(
                "eth_sendRawTransactionSync", sign(asked, recipient=STRANGER.address).payload["signature"]
            )
        pushed = mpp.Credential(asked.to_echo(), {"type": "hash", "hash": sent["transactionHash"]})
        assert await refusal(rail, header(pushed), order) == "verification-failed"


class TestTwoServices:
    """The same address and the same secret, and two SQLite files."""

    @pytest.fixture
    async def services(self, build: Build, tmp_path: Path) -> AsyncIterator[tuple[Gate, Gate]]:
        async with AsyncExitStack() as stack:
            gates = []
            for name in ("first", "second"):
                url = empty_ledger(tmp_path / f"{name}.sqlite3")
                database = await stack.enter_async_context(storage.Database(url))
                gates.append(Gate((build(ledger_id=name),), storage.SqlLedger(database)))
            yield gates[0], gates[1]

    async def sell(self, gate: Gate, payment: HeaderFields, order: Order) -> SaleResult | ServiceError:
        async def work() -> Delivery:
            await asyncio.sleep(0.2)
            return Delivery((), b"cut out")

        async def admit() -> None:
            return None

        attempt = gate.read(payment)
        assert attempt is not None
        try:
            return await gate.sell(SaleRequest(attempt, order, admit, work))
        except ServiceError as error:
            return error

    async def quoted(self, gate: Gate, buyer: MppBuyer, order: Order) -> HeaderFields:
        return await buyer.pay(await gate.rails["mpp"].challenge(order))

    async def test_one_payment_buys_one_picture_of_the_one_that_quoted_it(
        self, services: tuple[Gate, Gate], buyer: MppBuyer, order: Order
    ) -> None:
        before = buyer.received()
        for quoting, other in (services, services[::-1]):
            payment = await self.quoted(quoting, buyer, order)
            assert isinstance(await self.sell(quoting, payment, order), SaleResult)
            refused = await self.sell(other, payment, order)
            assert isinstance(refused, PaymentSpentElsewhere)
            assert refused.charged is True
        assert buyer.received() == before + 2 * UNITS

    async def test_at_once(self, services: tuple[Gate, Gate], buyer: MppBuyer, order: Order) -> None:
        before = buyer.received()
        payment = await self.quoted(services[0], buyer, order)
        sold, refused = await asyncio.gather(*(self.sell(gate, payment, order) for gate in services))
        assert isinstance(sold, SaleResult)
        assert isinstance(refused, PaymentOutcomeUnknown | PaymentSpentElsewhere)
        assert buyer.received() == before + UNITS
        again = await self.sell(services[1], payment, order)
        assert isinstance(again, PaymentSpentElsewhere)
        assert buyer.received() == before + UNITS
