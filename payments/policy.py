"""The rules of a sale, the same for all rails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SalePolicy:
    """Durations and limits of claims and re-deliveries.

    Attributes:
        work_lease_s, settle_lease_s: leases of a claim; the work lease is renewed while the work lasts.
        max_redeliveries, redelivery_s: limits of re-delivery, in number and in seconds since the settlement.
        abandoned_s: how long an abandoned claim is kept after its lease.
    """

    work_lease_s: float = 20.0
    settle_lease_s: float = 60.0
    max_redeliveries: int = 20
    redelivery_s: float = 24 * 3600
    abandoned_s: float = 3600.0
