"""Quotes: the rails of each host, and the 402 response that offers all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from errors import PaymentRejected, PaymentRequired, RailUnavailable
from payments.money import Price
from payments.order import Order
from payments.rail import HeaderFields, PaymentAttempt, Rail

_QUOTE = (
    "This image costs ${price}. Pay on one of the offered rails. Send the same Idempotency-Key with each attempt for"
    " this image: if a response is lost, the next attempt is not charged again."
)


@dataclass(frozen=True, slots=True)
class Quote:
    """The challenges of all rails offered for an order, in one response that the clients of every rail understand."""

    price: Price
    headers: HeaderFields
    members: Mapping[str, Any]

    def required(self) -> PaymentRequired:
        """The 402 for a request without a payment."""
        return PaymentRequired(_QUOTE.format(price=self.price), headers=self.headers, members=self.members)

    def after(self, refusal: PaymentRejected, attempt: PaymentAttempt | None) -> PaymentRejected:
        """The 402 for a payment that was refused, with the headers that the clients of its rail expect. `attempt` is
        None if the payment was unreadable."""
        refused = attempt.refusal_headers(refusal.reason) if attempt else ()
        return refusal.adding(headers=(*self.headers, *refused), members=self.members)


class Quotes:
    """Quotes an order on every rail of a host that has no outage.

    Args:
        rails: by name, in the order of the quote.
        hosts: host name → names of its rails; other hosts quote all rails.
        outage: the outage of the rail with this name, or None; a rail with an outage is not quoted.

    Raises:
        ValueError: `hosts` contains an unknown rail.
    """

    def __init__(
        self,
        rails: Mapping[str, Rail],
        *,
        hosts: Mapping[str, tuple[str, ...]],
        outage: Callable[[str], str | None],
    ) -> None:
        unknown = {name for names in hosts.values() for name in names} - rails.keys()
        if unknown:
            raise ValueError(f"no such rail: {', '.join(sorted(unknown))}")
        self._rails = rails
        self._hosts = {host.lower(): names for host, names in hosts.items()}
        self._outage = outage

    async def quote(self, order: Order, host: str, rejection: str | None = None) -> Quote:
        """The quote for an order. `rejection`: the rail's reason code if a payment was refused.

        A payment on a rail with an outage is tried nevertheless: the chain may have recovered.

        Raises:
            RailUnavailable: every rail of this host has an outage.
        """
        offered = [self._rails[name] for name in self._offered(host) if self._outage(name) is None]
        if not offered:
            raise RailUnavailable("Payments cannot be accepted now. Nothing was charged; retry shortly.", retry_after=5)
        challenges = [await rail.challenge(order, rejection) for rail in offered]
        members = {name: value for each in challenges for name, value in each.members.items()}
        headers = tuple(field for each in challenges for field in each.headers)
        return Quote(order.price, headers, MappingProxyType(members))

    def check(self, rail: str, host: str) -> None:
        """Raise PaymentRejected for a payment on a rail that this host does not offer."""
        if rail not in self._offered(host):
            raise PaymentRejected(f"{rail} payments are not accepted on this host.", reason="rail_not_offered")

    def _offered(self, host: str) -> tuple[str, ...]:
        return self._hosts.get(host.lower(), tuple(self._rails))
