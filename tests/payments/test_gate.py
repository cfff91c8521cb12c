"""The gate: quotes and payments of several rails, and the metrics of sales."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from errors import (
    MalformedPayment,
    Overloaded,
    PaymentRejected,
    RailUnavailable,
)
from payments.gate import Gate
from tests.fakes.rails import Outcome, ScriptedRail
from tests.fakes.seller import Seller, order


class TestSeveralRails:
    """One 402 and one gate for all rails."""

    @pytest.fixture
    def gate(self, seller: Seller) -> Gate:
        hosts = {"One.example": ("one",)}
        return Gate((ScriptedRail("one"), ScriptedRail("two")), seller.ledger, hosts=hosts)

    async def test_quotes_all_in_one_answer(self, gate: Gate) -> None:
        quote = await gate.quote(order(), "cut.example")
        assert [value for name, value in quote.headers] == ['one price="0.05"', 'two price="0.05"']
        assert quote.members.keys() == {"one", "two"}
        unpaid = quote.required()
        assert (unpaid.headers, unpaid.members, unpaid.charged) == (quote.headers, quote.members, False)

    async def test_quotes_on_a_host_of_its_own_only_its_own(self, gate: Gate) -> None:
        assert (await gate.quote(order(), "one.EXAMPLE")).members.keys() == {"one"}

    async def test_quotes_no_rail_that_is_out(self, seller: Seller) -> None:
        rails = (ScriptedRail("one"), ScriptedRail("two"))
        out = {"one": "The chain does not answer.", "two": None}
        gate = Gate(rails, seller.ledger, hosts={"one.example": ("one",)}, outage=lambda name: out[name])
        assert (await gate.quote(order(), "cut.example")).members.keys() == {"two"}
        with pytest.raises(RailUnavailable):
            await gate.quote(order(), "one.example")
        assert gate.read((("one-payment", "id print"),))

    async def test_quotes_anew_with_the_reason_of_a_refusal(self, gate: Gate) -> None:
        refusal = PaymentRejected("No.", reason="expired")
        quote = await gate.quote(order(), "one.example", refusal.reason)
        answer = quote.after(refusal, gate.read((("one-payment", "id print"),)))
        assert type(answer) is PaymentRejected
        assert answer.members["reason"] == "expired"
        assert answer.members["one"]["rejection"] == "expired"
        assert answer.headers == (*quote.headers, ("one-refused", "id expired"))
        assert (refusal.headers, refusal.members) == ((), {"reason": "expired"})

    def test_takes_the_payment_of_either(self, gate: Gate) -> None:
        for name in ("one", "two"):
            attempt = gate.read(((f"{name}-payment", "id print"),))
            assert attempt is not None
            assert attempt.credential.rail == name
        assert gate.read((("accept", "*/*"),)) is None

    def test_takes_no_two_payments(self, gate: Gate) -> None:
        with pytest.raises(MalformedPayment):
            gate.read((("one-payment", "id print"), ("two-payment", "id print")))

    async def test_takes_no_new_payment_that_the_host_does_not_quote(self, seller: Seller) -> None:
        """But what was bought on another host comes again on every one."""
        gate = Gate((seller.rail, ScriptedRail("one")), seller.ledger, hosts={"one.example": ("one",)})
        with pytest.raises(PaymentRejected) as refusal:
            await seller.send(gate=gate, host="one.example")
        assert (refusal.value.reason, seller.rail.calls) == ("rail_not_offered", [])
        await seller.send(gate=gate, host="two.example")
        assert (await seller.send(gate=gate, host="one.example")).replayed

    def test_names_a_rail_that_there_is_not(self, seller: Seller) -> None:
        with pytest.raises(ValueError, match="three"):
            Gate((seller.rail,), seller.ledger, hosts={"x.example": ("three",)})


async def test_counts_what_became_of_payments(seller: Seller) -> None:
    def counted() -> dict[str, float]:
        name = "clearcanvas_payments_total"
        outcomes = ("settled", "replayed", "overloaded", "internal_error")
        return {each: REGISTRY.get_sample_value(name, {"rail": "scripted", "outcome": each}) or 0 for each in outcomes}

    before = counted()
    seller.admitting, seller.rail.verifying = [Overloaded("full")], [Outcome.BUG]
    for _ in range(4):
        await asyncio.gather(seller.send(), return_exceptions=True)
    assert {each: counted()[each] - before[each] for each in before} == dict.fromkeys(before, 1)


async def test_counts_what_was_earned_once(seller: Seller) -> None:
    """A sale by its amount; the same payment sent again, and one that is refused, by nothing."""

    def earned() -> float:
        labels = {"rail": seller.rail.name, "coin": "unknown"}
        return REGISTRY.get_sample_value("clearcanvas_revenue_base_units_total", labels) or 0.0

    before = earned()
    await seller.send()
    sold = earned() - before
    found = await seller.ledger.find("payment")
    assert found is not None
    assert sold == found.payment.amount > 0
    assert (await seller.send()).replayed
    assert earned() - before == sold
