"""Tests of the audit: each broken promise is counted in its own column, and a good sale in none."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.audit import MUST_BE_ZERO, audit, mark_untrue
from tests.faults.buyer import Verdict, verdict
from tests.faults.coverage import Coverage, coverage
from tests.faults.history import Buying, Call, History, Order, Payment, Transfer
from tests.faults.pictures import PICTURES

PICTURE, OTHER = PICTURES[:2]


class Scene:
    """One order and its story, told in seconds from 0. Blocks bear whole seconds, rounded down."""

    def __init__(self, buying: Buying = Buying.CONTRACT) -> None:
        self.history = History("scene")
        self.order: Order = self.history.order(0, "mpp", PICTURE, "png", buying)

    def pay(self, verdict: str = "delivered") -> Payment:
        payment = self.history.payment(self.order, {}, f"0x{len(self.order.payments)}", "id", 0.0)
        payment.verdict = verdict
        return payment

    def move(self, payment: Payment, at: int = 1) -> None:
        payment.transfers.append(Transfer("Tempo", "0xaa", 1, at, 50_000))

    def call(self, payment: Payment, at: float = 3.0, *, picture: str = PICTURE.name, lasted: float = 0.1) -> Call:
        """A call that ended at this time."""
        call = self.history.call(payment, "host 0", "plain", picture, at - lasted)
        call.ended_at = at
        return call

    def deliver(self, payment: Payment, at: float = 3.0, *, lasted: float = 3.0) -> Call:
        call = self.call(payment, at, lasted=lasted)
        call.status, call.answer, call.right = 200, "digest", True
        return call

    def refuse(self, payment: Payment, at: float, *, status: int = 402, retryable: bool = False) -> Call:
        call = self.call(payment, at)
        call.status, call.charged, call.retryable = status, False, retryable
        return call

    def doubt(self, payment: Payment, at: float) -> Call:
        call = self.call(payment, at)
        call.status, call.code, call.charged, call.retryable = 503, "payment_outcome_unknown", True, True
        return call


def _sold(scene: Scene) -> Payment:
    payment = scene.pay()
    scene.move(payment)
    scene.deliver(payment)
    return payment


def _never_delivered(scene: Scene) -> None:
    scene.move(scene.pay("uncharged"))


def _moved_twice(scene: Scene) -> None:
    scene.move(_sold(scene))


def _paid_by_two_payments(scene: Scene) -> None:
    _sold(scene)
    _sold(scene)


def _given_away(scene: Scene) -> None:
    scene.deliver(scene.pay())


def _two_pictures_for_one(scene: Scene) -> None:
    other = scene.call(_sold(scene), picture=OTHER.name)
    other.status, other.answer = 200, "another digest"


def _unclear(scene: Scene) -> None:
    call = scene.call(_sold(scene))
    call.status, call.bare = 504, True


def _wrong(scene: Scene) -> None:
    call = scene.call(_sold(scene))
    call.status, call.answer = 200, "another digest"


def _untrue_after(scene: Scene) -> None:
    scene.refuse(_sold(scene), at=4.0)


def _untrue_after_though_retryable(scene: Scene) -> None:
    scene.refuse(_sold(scene), at=4.0, status=503, retryable=True)


def _untrue_before(scene: Scene) -> None:
    payment = scene.pay("uncharged")
    scene.refuse(payment, at=0.5)
    scene.move(payment)


def _untrue_beside_a_copy(scene: Scene) -> None:
    """A final refusal while a copy is in progress: a buyer that trusts it signs anew."""
    payment = _sold(scene)
    scene.refuse(payment, at=0.5)


def _untrue_long_before_it_moves(scene: Scene) -> None:
    """`retryable`, but the buyer signs anew and does not send this payment again: nobody else may make it move."""
    payment = scene.pay("uncharged")
    scene.refuse(payment, at=0.5, status=503, retryable=True)
    scene.move(payment, at=20)


def _sent_again_after_a_no(scene: Scene) -> None:
    """`charged: false` with `retryable` invites to send the payment again; then it may move."""
    payment = scene.pay()
    scene.refuse(payment, at=0.5, status=503, retryable=True)
    scene.move(payment)
    scene.deliver(payment, at=3.0, lasted=2.4)


def _undecided(scene: Scene) -> None:
    scene.call(scene.pay("doubt")).lost = "hung up"


def _from_nowhere(scene: Scene) -> None:
    scene.history.unmatched.append(Transfer("Base", "0xbb", 1, 1, 1))


LOST = {"charged_undeliverable", "untrue_uncharged"}


@pytest.mark.parametrize(
    ("story", "columns"),
    [
        (_sold, set()),
        (_sent_again_after_a_no, set()),
        (_never_delivered, {"charged_undeliverable"}),
        (_moved_twice, {"double_charged"}),
        (_paid_by_two_payments, {"double_charged"}),
        (_given_away, {"delivered_unpaid"}),
        (_two_pictures_for_one, {"delivered_unpaid"}),
        (_unclear, {"unclear_answers"}),
        (_wrong, {"wrong_picture"}),
        (_untrue_after, {"untrue_uncharged"}),
        (_untrue_after_though_retryable, {"untrue_uncharged"}),
        (_untrue_before, LOST),
        (_untrue_beside_a_copy, {"untrue_uncharged"}),
        (_untrue_long_before_it_moves, LOST),
        (_undecided, {"stuck"}),
        (_from_nowhere, {"unmatched_transfers"}),
    ],
)
def test_a_broken_promise_is_counted(story: Callable[[Scene], object], columns: set[str]) -> None:
    scene = Scene()
    story(scene)
    mark_untrue(scene.history.payments)
    findings = audit(scene.history, [], [])
    assert {name for name in MUST_BE_ZERO if findings.columns[name]} == columns
    assert findings.clean == (not columns)


def test_payments_under_one_idempotency_key_are_one_purchase() -> None:
    """The second payment fetches the picture of the first one and is not touched."""
    scene = Scene(Buying.KEYED)
    first = scene.pay("doubt")
    scene.move(first)
    scene.call(first).lost = "reset"
    second = scene.pay()
    scene.deliver(second)
    first.works = 1
    findings = audit(scene.history, [], [])
    assert findings.clean
    assert findings.columns["works_without_money"] == 0
    scene.move(second, at=2)
    assert audit(scene.history, [], []).columns["double_charged"] == 1


def test_work_that_nobody_paid_for_is_counted() -> None:
    scene = Scene()
    _sold(scene).works = 1
    scene.pay("uncharged").works = 2
    columns = audit(scene.history, [], []).columns
    assert (columns["works"], columns["works_without_money"]) == (3, 2)


def test_what_the_buyer_may_conclude() -> None:
    scene = Scene()
    payment = scene.pay("new")
    over, again = scene.refuse(payment, 1.0), scene.refuse(payment, 1.0, status=503, retryable=True)
    lost = scene.call(payment)
    lost.lost = "reset"
    assert verdict([over]) is Verdict.UNCHARGED
    assert verdict([over, again]) is verdict([over, lost]) is verdict([again]) is Verdict.DOUBT
    assert verdict([over, lost, scene.deliver(payment)]) is Verdict.DELIVERED
    assert verdict([again], Buying.ANEW) is Verdict.UNCHARGED
    assert verdict([again, lost], Buying.ANEW) is Verdict.DOUBT


def test_doubts_are_told_apart_by_the_time_of_the_block() -> None:
    scene = Scene()
    moved, unmoved = scene.pay(), scene.pay()
    for payment in (moved, unmoved):
        scene.doubt(payment, at=2.5)
    scene.move(moved, at=1)
    scene.move(unmoved, at=3)
    met = coverage(scene.history, Counter({"freeze of a worker": 1}), Counter(), freezes=True)
    assert met == Coverage(doubts_moved=1, doubts_unmoved=1, freezes=1)
    assert met.missing() == []


def test_a_run_that_met_nothing_does_not_count() -> None:
    scene = Scene()
    _sold(scene)
    met = coverage(scene.history, Counter({"kill of a worker": 1}), Counter(), freezes=True)
    assert met.missing() == [
        "a settlement in doubt that had moved",
        "a settlement in doubt that had not moved",
        "a freeze longer than a lease",
    ]
