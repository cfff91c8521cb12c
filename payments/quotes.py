"""What is offered where: the rails of each host, and the 402 in which they are quoted together."""

from collections.abc import Callable, Mapping

from errors import PaymentRejected, PaymentRequired, RailUnavailable
from payments.rail import Order, PaymentAttempt, Rail

_QUOTE = (
    "This picture costs ${price}. Pay on one of the rails offered, and send an Idempotency-Key with the payment, the"
    " same with each try for this picture: should an answer get lost, the next try is not charged again."
)


class Quotes:
    """Quotes an order on every rail of a host that is well.

    Args:
        rails: by name, in the order in which they are quoted.
        hosts: host name → names of the rails quoted there; a host that is not named quotes all.
        outage: says of a rail's name what is out with it, or None; such a rail is not quoted.

    Raises:
        ValueError: a host names a rail that there is not.
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

    async def quote(
        self,
        order: Order,
        host: str,
        refusal: PaymentRejected | None = None,
        attempt: PaymentAttempt | None = None,
    ) -> PaymentRequired:
        """The 402 for an order: one answer that the clients of every rail of this host understand.

        Where a payment was refused, its rail adds what its clients expect then.

        A payment that comes all the same over a rail that is out is tried: the chain may be back by then.

        Raises:
            RailUnavailable: every rail of this host is out.
        """
        error = refusal or PaymentRequired(_QUOTE.format(price=order.price))
        rejection = refusal.reason if refusal else None
        offered = [self._rails[name] for name in self._offered(host) if self._outage(name) is None]
        if not offered:
            raise RailUnavailable("No payment can be accepted now. Nothing was charged; retry shortly.", retry_after=5)
        for rail in offered:
            challenge = await rail.challenge(order, rejection)
            error.headers += challenge.headers
            error.members.update(challenge.members)
        if refusal is not None and attempt is not None:
            error.headers += attempt.refusal_headers(refusal.reason)
        return error

    def check(self, rail: str, host: str) -> None:
        """Raise PaymentRejected for a payment over a rail that this host does not quote."""
        if rail not in self._offered(host):
            raise PaymentRejected(f"{rail} payments are not accepted on this host.", reason="rail_not_offered")

    def _offered(self, host: str) -> tuple[str, ...]:
        return self._hosts.get(host.lower(), tuple(self._rails))
