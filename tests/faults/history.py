"""What was bought, with what, and what became of each call: the campaign's own memory, fed by the client side only."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.clients.counter import Way
from tests.faults.pictures import Output, Picture


@dataclass(slots=True)
class Call:
    """One request that carried a payment.

    Attributes:
        began_at, ended_at: unix seconds.
        manner: what the client did on its side.
        lost: why there is no answer; None when there is one.
        picture: name of the picture sent, which need not be the payment's own.
        answer: digest of the picture that came back with a 200.
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
    retry_after: float | None = None
    request_id: str | None = None
    answer: str | None = None
    right: bool = False
    bare: bool = False
    detail: str | None = None


@dataclass(slots=True)
class Transfer:
    """One movement of money to the seller, as the chain's log tells. `seen_at`: when the campaign saw it."""

    chain: str
    transaction: str
    block: int
    timestamp: int
    seen_at: float
    units: int


@dataclass(slots=True)
class Payment:
    """A signed payment: it moves at most once, and only when the service makes it.

    Attributes:
        key: what the chain's log will call it: x402's nonce or MPP's memo, 0x-hex.
        ledger_id: what ends the service's own name for it: the nonce, or the id of the challenge.
        verdict: what the buyer believes.
        untrue: what was wrong about "not charged"; None when nothing was.
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

    @property
    def delivered(self) -> bool:
        return any(call.right for call in self.calls)

    @property
    def moved(self) -> bool:
        return bool(self.transfers)

    @property
    def in_doubt(self) -> bool:
        return self.verdict in ("new", "doubt")


@dataclass(slots=True)
class Order:
    """One picture that one buyer wants, by one way to pay."""

    number: int
    buyer: int
    way: Way
    picture: Picture
    output: Output
    payments: list[Payment] = field(default_factory=list)


@dataclass(slots=True)
class History:
    """Everything that happened at the counter, in one leg."""

    leg: str
    orders: list[Order] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    unmatched: list[Transfer] = field(default_factory=list)
    events: list[tuple[float, str]] = field(default_factory=list)
    calls: int = 0
    unheard: int = 0

    @property
    def paid_calls(self) -> int:
        """Calls that found somebody who listens."""
        return self.calls - self.unheard

    def order(self, buyer: int, way: Way, picture: Picture, output: Output) -> Order:
        """A new order."""
        self.orders.append(Order(len(self.orders), buyer, way, picture, output))
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
    """The whole story of a payment, for whoever has to find the fault. Holds no key and no signature."""

    order = payment.order
    times = [payment.signed_at, *(call.ended_at for call in payment.calls), *(t.seen_at for t in payment.transfers)]
    return {
        "leg": history.leg,
        "payment": payment.number,
        "order": order.number,
        "other_payments_of_the_order": [other.number for other in order.payments if other is not payment],
        "way": order.way,
        "picture": f"{order.picture.name}.{order.output}",
        "key": payment.key,
        "ledger_id": payment.ledger_id,
        "signed_at": payment.signed_at,
        "verdict": payment.verdict,
        "untrue": payment.untrue,
        "calls": [asdict(call) for call in payment.calls],
        "transfers": [asdict(transfer) for transfer in payment.transfers],
        "events": [event for event in history.events if min(times) - 5 <= event[0] <= max(times) + 5],
    }
