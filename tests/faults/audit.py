"""The audit of a leg: what was promised, against what the chains and the clients saw."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.faults.history import Call, History, Payment

MUST_BE_ZERO = (
    "charged_undeliverable",
    "double_charged",
    "delivered_unpaid",
    "bare_5xx",
    "wrong_picture",
    "untrue_uncharged",
    "stuck",
    "unmatched_transfers",
)
"""Each of these breaks a promise."""


@dataclass
class Findings:
    """The columns of a leg, and the payments that each bad one is about."""

    columns: dict[str, int] = field(default_factory=dict)
    offenders: dict[str, list[Payment]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not any(self.columns.get(name, 0) for name in MUST_BE_ZERO)

    def note(self, name: str, payments: Iterable[Payment]) -> None:
        """Count payments under a column that has to stay empty."""
        self.offenders[name] = list(payments)
        self.columns[name] = len(self.offenders[name])


def mark_untrue(payments: Iterable[Payment]) -> None:
    """Note which payments moved although the buyer had been told that they had not, and would not.

    Judged before the last phase asks about them: then nothing that was sent after the answer can have moved them.
    A payment is untrue besides when the chain had shown its transfer before the answer came.
    """
    for payment in payments:
        said = [call for call in _own_calls(payment) if call.charged is False]
        late = [call for call in said if payment.moved and payment.transfers[0].seen_at < call.ended_at]
        if late:
            payment.untrue = f"call {late[0].number} said charged: false after the money had moved"
        elif payment.moved and payment.verdict == "uncharged":
            payment.untrue = "the last answer said charged: false, and the money moved"


def audit(history: History, ledger_differences: list[str], orphans: list[str]) -> Findings:
    """All columns of one leg."""
    findings, payments = Findings(), history.payments
    findings.columns = {
        "calls": history.paid_calls,
        "payments": len(payments),
        "orders": sum(bool(order.payments) for order in history.orders),
        "settled": sum(payment.moved for payment in payments),
        "delivered": sum(payment.delivered for payment in payments),
    }
    rules: dict[str, Callable[[Payment], bool]] = {
        "charged_undeliverable": lambda each: each.moved and not each.delivered,
        "double_charged": _double_charged,
        "delivered_unpaid": _delivered_unpaid,
        "bare_5xx": lambda each: any(call.bare and (call.status or 0) >= 500 for call in each.calls),
        "wrong_picture": lambda each: any(call.answer and not call.right for call in _own_calls(each)),
        "untrue_uncharged": lambda each: each.untrue is not None,
        "stuck": lambda each: each.in_doubt,
    }
    for name, broken in rules.items():
        findings.note(name, filter(broken, payments))
    findings.columns["unmatched_transfers"] = len(history.unmatched)
    findings.columns["ledger_differs"] = len(ledger_differences)
    findings.columns["orphaned_rows"] = len(orphans)
    return findings


def manners(history: History) -> Counter[str]:
    """What clients did on their side, by kind."""
    found = Counter(call.manner for payment in history.payments for call in payment.calls if call.manner != "plain")
    found["another picture"] = sum(
        call.picture != payment.order.picture.name for payment in history.payments for call in payment.calls
    )
    return found


def _own_calls(payment: Payment) -> list[Call]:
    """Calls with the picture that the payment was signed for; another picture's refusal says nothing about it."""
    return [call for call in payment.calls if call.picture == payment.order.picture.name]


def _double_charged(payment: Payment) -> bool:
    """It moved more than once, or another payment of the same order moved before it."""
    earlier = (other for other in payment.order.payments if other.number < payment.number)
    return len(payment.transfers) > 1 or (payment.moved and any(other.moved for other in earlier))


def _delivered_unpaid(payment: Payment) -> bool:
    """A picture came for a payment that never moved, or pictures of two orders for one payment."""
    pictures = {call.picture for call in payment.calls if call.answer is not None}
    return len(pictures) > 1 or (bool(pictures) and not payment.moved)
