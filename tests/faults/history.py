"""The campaign's history of orders, payments and calls, recorded by the client side only."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tests.clients.purchase_client import Way
from tests.faults.pictures import Output, Picture

RESOLUTION_S = 1.0
"""Blocks bear whole seconds, rounded down: a transfer took place within this time after its block's time."""


class Buying(StrEnum):
    """A buyer's behaviour without a picture."""

    CONTRACT = "keeps the contract"
    """Sends the same payment while the response says `retryable` or the outcome is unknown."""
    ANEW = "signs anew on charged: false"
    """Like stock clients: signs a new payment after every `charged: false`, `retryable` or not."""
    KEYED = "signs anew under an Idempotency-Key"
    """Every second attempt is a new payment under the order's key, whatever the previous outcome."""


@dataclass(slots=True)
class Call:
    """One request that carried a payment.

    Attributes:
        began_at, ended_at: unix seconds.
        manner: what the client did on its side.
        lost: why there is no answer; None when there is one.
        picture: name of the picture sent, which need not be the payment's own.
        answer: digest of the picture that came back with a 200.
        difference: how that differs from the right one, where it does.
        charged: None also where the answer leaves it out, because it is not known.
        bare: the answer is no problem document with `retryable`, `payment_state` and `retry_action` that fit.
    """

    number: int
    began_at: float
    host: str
    manner: str
    picture: str
    ended_at: float = 0.0
    lost: str | None = None
    status: int | None = None
    code: str | None = None
    retryable: bool | None = None
    charged: bool | None = None
    payment_state: str | None = None
    retry_action: str | None = None
    retry_after: float | None = None
    request_id: str | None = None
    answer: str | None = None
    right: bool = False
    difference: str | None = None
    bare: bool = False
    detail: str | None = None

    @property
    def in_doubt(self) -> bool:
        """The service reported that the payment's outcome is unknown."""
        return self.code == "payment_outcome_unknown"

    @property
    def final_refusal(self) -> bool:
        """`charged: false`, without a request to send the payment again."""
        return self.charged is False and not self.retryable


@dataclass(slots=True)
class Transfer:
    """One transfer of money to the seller, from the chain's log.

    Attributes:
        timestamp: of its block, whole unix seconds: it moved at this time or up to `RESOLUTION_S` later.
    """

    chain: str
    transaction: str
    block: int
    timestamp: int
    units: int

    def surely_before(self, at: float) -> bool:
        return self.timestamp + RESOLUTION_S <= at

    def surely_after(self, at: float) -> bool:
        return self.timestamp >= at


@dataclass(slots=True)
class Payment:
    """A signed payment: it moves at most once, and only when the service makes it.

    Attributes:
        key: what the chain's log will call it: x402's nonce or MPP's memo, 0x-hex.
        ledger_id: what ends the service's own name for it: the nonce, or the id of the challenge.
        verdict: what the buyer believes.
        untrue: what was wrong about "not charged"; None when nothing was.
        works: how often the runner cut out a picture for it.
    """

    number: int
    order: "Order"
    headers: dict[str, str]
    key: str
    ledger_id: str
    signed_at: float
    calls: list[Call] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    verdict: str = "new"
    untrue: str | None = None
    works: int = 0

    @property
    def delivered(self) -> bool:
        return any(call.right for call in self.calls)

    @property
    def moved(self) -> bool:
        return bool(self.transfers)

    @property
    def in_doubt(self) -> bool:
        return self.verdict in ("new", "doubt")

    @property
    def own_calls(self) -> list[Call]:
        """Calls with the picture it was signed for; the refusal of another picture says nothing about the order."""
        return [call for call in self.calls if call.picture == self.order.picture.name]


@dataclass(slots=True)
class Order:
    """One picture that one buyer wants, by one way to pay.

    Attributes:
        key: the Idempotency-Key of its payments, for buyers who use one.
    """

    number: int
    buyer: int
    way: Way
    picture: Picture
    output: Output
    buying: Buying = Buying.CONTRACT
    key: str | None = None
    payments: list[Payment] = field(default_factory=list)

    @property
    def delivered(self) -> bool:
        return any(payment.delivered for payment in self.payments)


@dataclass(slots=True)
class History:
    """Everything that was bought in one leg.

    Attributes:
        events: what was done to processes, with its time.
        gas: units of gas that the seller's settlement spent (x402's chain).
        reverted: transactions to the tokens that were mined and failed.
        journal: the ports' calls by payment number.
    """

    leg: str
    orders: list[Order] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    unmatched: list[Transfer] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)
    calls: int = 0
    unheard: int = 0
    gas: int = 0
    reverted: int = 0
    journal: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def paid_calls(self) -> int:
        """Calls that were connected."""
        return self.calls - self.unheard

    def order(self, buyer: int, way: Way, picture: Picture, output: Output, buying: Buying = Buying.CONTRACT) -> Order:
        """A new order."""
        number = len(self.orders)
        key = f"order-{self.leg}-{number:08}" if buying is Buying.KEYED else None
        self.orders.append(Order(number, buyer, way, picture, output, buying, key))
        return self.orders[-1]

    def payment(self, order: Order, headers: dict[str, str], key: str, ledger_id: str, at: float) -> Payment:
        """A new payment for an order."""
        self.payments.append(Payment(len(self.payments), order, headers, key, ledger_id, at))
        order.payments.append(self.payments[-1])
        return self.payments[-1]

    def call(self, payment: Payment, host: str, manner: str, picture: str, at: float) -> Call:
        """A new call with a payment."""
        payment.calls.append(Call(self.calls, at, host, manner, picture))
        self.calls += 1
        return payment.calls[-1]


def told(payment: Payment, history: History) -> dict[str, Any]:
    """The history of a payment and of the others for its order, without keys and signatures."""
    others = [_told(other, history) for other in payment.order.payments if other is not payment]
    return {**_told(payment, history), "other_payments_of_the_order": others}


def _told(payment: Payment, history: History) -> dict[str, Any]:
    order = payment.order
    times = [payment.signed_at, *(call.ended_at for call in payment.calls), *(t.timestamp for t in payment.transfers)]
    return {
        "leg": history.leg,
        "payment": payment.number,
        "order": order.number,
        "buying": order.buying,
        "way": order.way,
        "picture": f"{order.picture.name}.{order.output}",
        "key": payment.key,
        "ledger_id": payment.ledger_id,
        "signed_at": payment.signed_at,
        "verdict": payment.verdict,
        "untrue": payment.untrue,
        "works": payment.works,
        "calls": [asdict(call) for call in payment.calls],
        "transfers": [asdict(transfer) for transfer in payment.transfers],
        "journal": history.journal.get(payment.number, []),
        "events": [event for event in history.events if min(times) - 30 <= event[0] <= max(times) + 5],
    }
