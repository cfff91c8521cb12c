"""A state machine: after any sequence of operations the ledger equals a simple model of its state diagram."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, multiple, rule, run_state_machine_as_test

from errors import FundsUnderWay, PaymentUsed
from payments.ledger import MAX_IN_FLIGHT_WITHOUT_BALANCE, Claim, Entry, State
from payments.rail import Payment, Receipt
from storage import Database, SqlLedger, SqlSettled
from storage.settled import FIRST_RECHECK_S
from tests.contracts.ledger_entries import PAYMENT, RECEIPT
from tests.examples import examples, is_nightly
from tests.fakes.clock import FakeClock

T = TypeVar("T")
LEASE_S = 10.0
MAX_DELIVERIES = 1
ENTITLED_S = 30.0

NAMES = ("a", "b", "c")
ids = st.sampled_from(NAMES)
orders = st.sampled_from(["order 1", "order 2"])
transactions = st.sampled_from([None, "0x1", "0x2"])
purchases = st.sampled_from([None, None, "my key"])
covered = st.sampled_from([None, 1, 2])
"""Number of payments that the payer's funds cover."""

REFUSED = replace(PAYMENT, payer="", amount=0, valid_before=0, evidence={}, transaction=None)
"""The columns of a payment that was never verified."""


@dataclass
class Row:
    """The model's state of one payment."""

    payment: Payment
    order: str | None
    holder: str
    lease_until: float
    purchase: str | None = None
    state: State = State.CLAIMED
    deliveries: int = 0
    receipt: Receipt | None = None
    settled_at: float = 0.0
    final: bool = False

    def entry(self, now: float) -> Entry:
        return Entry(
            payment=self.payment,
            state=self.state,
            fingerprint="" if self.order is None else f"print of {self.order}",
            order_digest=self.order or "",
            holder=self.holder,
            lease_until=self.lease_until,
            lease_left_s=self.lease_until - now,
            deliveries=self.deliveries,
            receipt=self.receipt,
        )


class LedgerStates(RuleBasedStateMachine):
    """Runs a real ledger and the model in parallel and compares their results and states."""

    url: ClassVar[str]
    claims = Bundle("claims")
    looks = Bundle("looks")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.database = Database(self.url, clock=self.clock)
        self.ledger = SqlLedger(self.database)
        self.settlements = SqlSettled(self.database)
        self.example = token_hex(8)  # all examples share one database
        self.rows: dict[str, Row] = {}

    def teardown(self) -> None:
        with self.runner:
            entries = {name: self.run(self.ledger.find(self.own(name))) for name in NAMES}
            self.run(self.database.aclose())
        rows = {name: self.rows.get(self.own(name)) for name in NAMES}
        assert entries == {name: row and row.entry(self.clock.now) for name, row in rows.items()}

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(story)

    def own(self, name: str) -> str:
        """A name that is unique to this example."""
        return f"{self.example} {name}"

    def held(self, claim: Claim, *states: State) -> Row | None:
        row = self.rows.get(claim.payment_id)
        return row if row and row.holder == claim.holder and row.state in states else None

    def works(self, claim: Claim) -> Row | None:
        row = self.held(claim, State.CLAIMED)
        return row if row and row.lease_until > self.clock.now else None

    @rule(seconds=st.sampled_from([1.0, LEASE_S, ENTITLED_S]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def abandoned(self, row: Row) -> bool:
        return row.state is State.CLAIMED and row.lease_until <= self.clock.now

    def entitled(self, row: Row) -> bool:
        return row.deliveries < MAX_DELIVERIES and row.settled_at > self.clock.now - ENTITLED_S

    def others(self, row: Row | None) -> list[Row]:
        return [other for other in self.rows.values() if other is not row]

    @rule(target=looks, name=ids)
    def look_up(self, name: str) -> tuple[str, Entry | None]:
        """What a request sees that continues later."""
        return name, self.run(self.ledger.find(self.own(name)))

    @rule(target=claims, look=looks, order=orders, transaction=transactions, purchase=purchases, covered=covered)
    def claim_late(
        self,
        look: tuple[str, Entry | None],
        order: str,
        transaction: str | None,
        purchase: str | None,
        covered: int | None,
    ) -> Any:
        return self.claim_as(*look, order, transaction, purchase, covered)

    @rule(target=claims, name=ids, order=orders, transaction=transactions, purchase=purchases, covered=covered)
    def claim(self, name: str, order: str, transaction: str | None, purchase: str | None, covered: int | None) -> Any:
        seen = self.run(self.ledger.find(self.own(name)))
        return self.claim_as(name, seen, order, transaction, purchase, covered)

    def claim_as(
        self,
        name: str,
        seen: Entry | None,
        order: str,
        transaction: str | None,
        purchase: str | None,
        covered: int | None,
    ) -> Any:
        payment = replace(
            PAYMENT,
            id=self.own(name),
            payer=self.own("payer"),
            transaction=transaction and self.own(transaction),
            funds=covered and covered * PAYMENT.amount,
        )
        purchase = purchase and self.own(purchase)
        if purchase:  # a purchase whose payment was abandoned is free
            for other in self.rows.values():
                if other.purchase == purchase and self.abandoned(other):
                    other.purchase = None
        row = self.rows.get(payment.id)
        free = seen is None if row is None else seen is not None and self.abandoned(row) and row.holder == seen.holder
        known = {other.payment.transaction for other in self.others(row)} - {None}
        named = {other.purchase for other in self.others(row)} - {None}
        under_way = [other for other in self.others(row) if other.state is not State.SETTLED]
        at_work = [other for other in under_way if not self.abandoned(other)]
        short = len(at_work) >= (covered or MAX_IN_FLIGHT_WITHOUT_BALANCE)
        try:
            claim = self.run(
                self.ledger.claim(
                    payment,
                    seen=seen,
                    fingerprint=f"print of {order}",
                    order_digest=order,
                    lease_s=LEASE_S,
                    purchase=purchase,
                )
            )
        except PaymentUsed:
            assert payment.transaction in known
            return multiple()
        except FundsUnderWay:
            assert free
            assert short
            return multiple()
        if claim is None:
            assert not free or purchase in named
            return multiple()
        assert free
        assert not short
        assert payment.transaction not in known
        assert purchase not in named
        self.rows[payment.id] = Row(payment, order, claim.holder, self.clock.now + LEASE_S, purchase)
        return claim

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        row = self.works(claim)
        assert self.run(self.ledger.renew([claim], lease_s=LEASE_S)) == ({claim} if row else set())
        if row:
            row.lease_until = self.clock.now + LEASE_S

    @rule(name=ids)
    def refuse(self, name: str) -> None:
        row = self.rows.get(self.own(name))
        expected = row is None or self.abandoned(row)
        assert self.run(self.ledger.refuse(self.own(name), PAYMENT.rail)) == expected
        if expected:
            self.abandon(row or Row(replace(REFUSED, id=self.own(name)), None, "", 0))

    def abandon(self, row: Row) -> None:
        entry = self.run(self.ledger.find(row.payment.id))
        assert entry is not None
        assert entry.holder != row.holder
        row.payment = replace(row.payment, transaction=None)
        row.state, row.holder, row.lease_until, row.purchase = State.CLAIMED, entry.holder, self.clock.now, None
        self.rows[row.payment.id] = row

    @rule(silent_s=st.sampled_from([0.0, LEASE_S]))
    def forget_abandoned(self, silent_s: float) -> None:
        self.run(self.ledger.forget_abandoned(silent_s=silent_s))
        until = self.clock.now - silent_s
        self.rows = {
            key: row for key, row in self.rows.items() if not (row.state is State.CLAIMED and row.lease_until <= until)
        }

    @rule(purchase=purchases)
    def find_purchase(self, purchase: str | None) -> None:
        if purchase:
            entries = [row.entry(self.clock.now) for row in self.rows.values() if row.purchase == self.own(purchase)]
            assert self.run(self.ledger.find_purchase(self.own(purchase))) == (entries[0] if entries else None)

    @rule(purchase=purchases)
    def free_purchase(self, purchase: str | None) -> None:
        if purchase:
            rows = [row for row in self.rows.values() if row.purchase == self.own(purchase)]
            over = [row for row in rows if row.state is State.SETTLED and not self.entitled(row)]
            freed = self.run(
                self.ledger.free_purchase(self.own(purchase), at_most=MAX_DELIVERIES, not_after_s=ENTITLED_S)
            )
            assert freed == bool(over)
            for row in over:
                row.purchase = None

    @rule(target=claims, name=ids, to_the_end=st.booleans())
    def sale(self, name: str, to_the_end: bool) -> Any:
        """Several steps at once, so that examples reach late states."""
        claim = self.claim(name, "order 1", None, None, None)
        if isinstance(claim, Claim):
            self.begin_settlement(claim)
            if to_the_end:
                self.settled(name, "0xaa")
        return claim

    @rule(claim=claims)
    def begin_settlement(self, claim: Claim) -> None:
        row = self.works(claim)
        ends = self.clock.now + LEASE_S if row else None
        assert self.run(self.ledger.begin_settlement(claim, lease_s=LEASE_S)) == ends
        if row:
            row.state, row.lease_until = State.SETTLING, self.clock.now + LEASE_S

    @rule(name=ids, hash=st.sampled_from(["0xaa", "0xbb"]))
    def settled(self, name: str, hash: str) -> None:
        row = self.rows.get(self.own(name))
        receipt = replace(RECEIPT, transaction=hash)
        expected = row is not None and row.state is State.SETTLING
        assert self.run(self.ledger.settled(self.own(name), receipt)) == expected
        if row and expected:
            row.state, row.receipt, row.settled_at = State.SETTLED, receipt, self.clock.now

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        row = self.held(claim, State.CLAIMED, State.SETTLING)
        assert self.run(self.ledger.release(claim)) == bool(row)
        if row:
            self.abandon(row)

    @rule(target=claims, name=ids)
    def take_over(self, name: str) -> Any:
        row = self.rows.get(self.own(name))
        claim = self.run(self.ledger.take_over(self.own(name), lease_s=LEASE_S))
        silent = row is not None and row.state is State.SETTLING and row.lease_until <= self.clock.now
        assert (claim is not None) == silent
        if row is None or claim is None:
            return multiple()
        row.holder, row.lease_until = claim.holder, self.clock.now + LEASE_S
        return claim

    @rule(claim=claims)
    def mark_unresolved(self, claim: Claim) -> None:
        row = self.held(claim, State.SETTLING)
        self.run(self.ledger.mark_unresolved(claim))
        if row:
            row.lease_until = self.clock.now

    @rule(name=ids, times=st.integers(1, MAX_DELIVERIES + 1))
    def count_deliveries(self, name: str, times: int) -> None:
        for _ in range(times):
            row = self.rows.get(self.own(name))
            entitled = row is not None and row.state is State.SETTLED and self.entitled(row)
            counted = self.run(
                self.ledger.count_delivery(self.own(name), at_most=MAX_DELIVERIES, not_after_s=ENTITLED_S)
            )
            assert counted == entitled
            if row and entitled:
                row.deliveries += 1

    @rule(name=ids)
    def uncount_delivery(self, name: str) -> None:
        self.run(self.ledger.uncount_delivery(self.own(name)))
        row = self.rows.get(self.own(name))
        if row and row.deliveries:
            row.deliveries -= 1

    @rule(name=ids)
    def final(self, name: str) -> None:
        row = self.not_final(name)
        payment = row.payment if row else replace(PAYMENT, id=self.own(name))
        assert self.run(self.settlements.final(payment)) == bool(row)
        if row:
            row.final = True

    @rule(name=ids)
    def lost(self, name: str) -> None:
        """In doubt, without holder and receipt; the number of deliveries is kept."""
        row = self.not_final(name)
        assert self.run(self.settlements.lost(self.own(name))) == bool(row)
        if row:
            row.state, row.receipt, row.holder, row.lease_until = State.SETTLING, None, "", self.clock.now

    def not_final(self, name: str) -> Row | None:
        row = self.rows.get(self.own(name))
        return row if row and row.state is State.SETTLED and not row.final else None

    @rule()
    def lists_what_is_not_final(self) -> None:
        self.clock.advance(FIRST_RECHECK_S)
        expected = {self.own(name) for name in NAMES if self.not_final(name)}
        listed = {entry.payment.id for entry in self.run(self.settlements.due({PAYMENT.rail}, 10_000))}
        assert {payment_id for payment_id in listed if payment_id.startswith(self.example)} == expected

    @rule()
    def lists_the_doubts(self) -> None:
        doubts = {
            payment_id
            for payment_id, row in self.rows.items()
            if row.state is State.SETTLING and row.lease_until <= self.clock.now
        }
        listed = {entry.payment.id for entry in self.run(self.ledger.in_doubt({PAYMENT.rail}, 10_000))}
        assert {payment_id for payment_id in listed if payment_id.startswith(self.example)} == doubts


def test_the_ledger_equals_its_model(url: str) -> None:
    class OnThisDatabase(LedgerStates):
        pass

    OnThisDatabase.url = url
    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not is_nightly(),
            report_multiple_bugs=False,
        ),
    )
