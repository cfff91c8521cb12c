"""The auditor itself: each broken promise is counted in its own column, and a sale in order in none."""

from collections.abc import Callable

import pytest

from tests.faults.audit import MUST_BE_ZERO, audit, mark_untrue
from tests.faults.buyer import Verdict, verdict
from tests.faults.history import Call, History, Order, Payment, Transfer
from tests.faults.pictures import PICTURES

PICTURE, OTHER = PICTURES[:2]


class Scene:
    """One order and its story, told in seconds from 0."""

    def __init__(self) -> None:
        self.history = History("scene")
        self.order: Order = self.history.order(0, "mpp", PICTURE, "png")

    def pay(self, verdict: str = "delivered") -> Payment:
        payment = self.history.payment(self.order, {}, f"0x{len(self.order.payments)}", "id", 0.0)
        payment.verdict = verdict
        return payment

    def move(self, payment: Payment, at: float = 1.0) -> None:
        payment.transfers.append(Transfer("Tempo", "0xaa", 1, 1, at, 50_000))

    def call(self, payment: Payment, at: float = 2.0, *, picture: str = PICTURE.name) -> Call:
        call = self.history.call(payment, "host 0", "plain", picture, at)
        call.ended_at = at
        return call

    def deliver(self, payment: Payment) -> Call:
        call = self.call(payment)
        call.status, call.answer, call.right = 200, "digest", True
        return call

    def refuse(self, payment: Payment, at: float, *, status: int = 402, retryable: bool = False) -> Call:
        call = self.call(payment, at)
        call.status, call.charged, call.retryable = status, False, retryable
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


def _bare(scene: Scene) -> None:
    call = scene.call(_sold(scene))
    call.status, call.bare = 504, True


def _wrong(scene: Scene) -> None:
    call = scene.call(_sold(scene))
    call.status, call.answer = 200, "another digest"


def _untrue_after(scene: Scene) -> None:
    scene.refuse(_sold(scene), at=3.0)


def _untrue_before(scene: Scene) -> None:
    payment = scene.pay("uncharged")
    scene.refuse(payment, at=0.5)
    scene.move(payment)


def _undecided(scene: Scene) -> None:
    scene.call(scene.pay("doubt")).lost = "hung up"


def _from_nowhere(scene: Scene) -> None:
    scene.history.unmatched.append(Transfer("Base", "0xbb", 1, 1, 1.0, 1))


@pytest.mark.parametrize(
    ("story", "columns"),
    [
        (_sold, set()),
        (_never_delivered, {"charged_undeliverable", "untrue_uncharged"}),
        (_moved_twice, {"double_charged"}),
        (_paid_by_two_payments, {"double_charged"}),
        (_given_away, {"delivered_unpaid"}),
        (_two_pictures_for_one, {"delivered_unpaid"}),
        (_bare, {"bare_5xx"}),
        (_wrong, {"wrong_picture"}),
        (_untrue_after, {"untrue_uncharged"}),
        (_untrue_before, {"charged_undeliverable", "untrue_uncharged"}),
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


def test_what_the_buyer_may_conclude() -> None:
    scene = Scene()
    payment = scene.pay("new")
    over, again = scene.refuse(payment, 1.0), scene.refuse(payment, 1.0, status=503, retryable=True)
    lost = scene.call(payment)
    lost.lost = "reset"
    assert verdict([over]) is Verdict.UNCHARGED
    assert verdict([over, again]) is verdict([over, lost]) is verdict([again]) is Verdict.DOUBT
    assert verdict([over, lost, scene.deliver(payment)]) is Verdict.DELIVERED
