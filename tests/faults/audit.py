"""The audit of a leg: compares the promises with the records of chains and clients."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.faults.history import RESOLUTION_S, Buying, Call, History, Payment, Transfer

MUST_BE_ZERO = (
    "charged_undeliverable",
    "double_charged",
    "delivered_unpaid",
    "unclear_answers",
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
        """Count payments in a column that must stay empty."""
        self.offenders[name] = list(payments)
        self.columns[name] = len(self.offenders[name])


def mark_untrue(payments: Iterable[Payment]) -> None:
    """Record the payments that moved although a response had said `charged: false`.

    Judged before the last phase asks about them: then nothing that was sent after the answer can have moved them.
    """
    for payment in payments:
        payment.untrue = payment.untrue or _untrue(payment)


def _untrue(payment: Payment) -> str | None:
    for call in payment.own_calls:
        for transfer in payment.transfers if call.charged is False else ():
            if call.final_refusal or not _explained(payment, call, transfer):
                when = "before" if transfer.surely_before(call.ended_at) else "after"
                return f"call {call.number} said charged: false, and a block {when} its end moved the money"
    return None


def _explained(payment: Payment, refused: Call, transfer: Transfer) -> bool:
    """Whether the buyer made the payment move with another call, sent again or a copy, that was under way at the time
    of the block and did not end before the refused one began: `charged: false` with `retryable: true` invites that."""
    return any(
        other is not refused
        and other.ended_at > refused.began_at
        and other.began_at <= transfer.timestamp + RESOLUTION_S
        and not transfer.surely_before(refused.began_at)
        for other in payment.own_calls
    )


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
        "charged_undeliverable": lambda each: each.moved and not _has_its_picture(each),
        "double_charged": _double_charged,
        "delivered_unpaid": _delivered_unpaid,
        "unclear_answers": lambda each: any(call.bare for call in each.calls),
        "wrong_picture": lambda each: any(call.answer and not call.right for call in each.own_calls),
        "untrue_uncharged": lambda each: each.untrue is not None,
        "stuck": lambda each: each.in_doubt and not _has_its_picture(each),
    }
    for name, broken in rules.items():
        findings.note(name, filter(broken, payments))
    findings.columns |= {
        "unmatched_transfers": len(history.unmatched),
        "ledger_differs": len(ledger_differences),
        "orphaned_rows": len(orphans),
        "works": sum(payment.works for payment in payments),
        "works_without_money": sum(payment.works for payment in payments if not _paid_for(payment)),
        "gas": history.gas,
        "reverted": history.reverted,
    }
    return findings


def manners(history: History) -> Counter[str]:
    """The clients' events, by kind."""
    found = Counter(call.manner for payment in history.payments for call in payment.calls if call.manner != "plain")
    found["another picture"] = sum(
        call.picture != payment.order.picture.name for payment in history.payments for call in payment.calls
    )
    found.update(f"orders: {order.buying}" for order in history.orders if order.payments)
    return found


def _family(payment: Payment) -> list[Payment]:
    """The payments of one purchase: those with one Idempotency-Key, or the payment alone."""
    return payment.order.payments if payment.order.buying is Buying.KEYED else [payment]


def _has_its_picture(payment: Payment) -> bool:
    return any(each.delivered for each in _family(payment))


def _paid_for(payment: Payment) -> bool:
    return any(each.moved for each in _family(payment))


def _double_charged(payment: Payment) -> bool:
    """It moved more than once, or another payment of the same order moved before it."""
    earlier = (other for other in payment.order.payments if other.number < payment.number)
    return len(payment.transfers) > 1 or (payment.moved and any(other.moved for other in earlier))


def _delivered_unpaid(payment: Payment) -> bool:
    """A picture was delivered without a payment of its purchase, or pictures of two orders for one payment."""
    pictures = {call.picture for call in payment.calls if call.answer is not None}
    return len(pictures) > 1 or (bool(pictures) and not _paid_for(payment))
