"""The rules of a sale that no rail decides."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SalePolicy:
    """How long claims and re-deliveries last.

    Attributes:
        work_lease_s, settle_lease_s: how long a silent holder of a claim is trusted to be alive; while it works, it
            renews its lease.
        max_redeliveries, redelivery_s: the bounds of the entitlement to a lost picture.
        abandoned_s: how long an abandoned claim is kept after its lease.
    """

    work_lease_s: float = 20.0
    settle_lease_s: float = 60.0
    max_redeliveries: int = 20
    redelivery_s: float = 24 * 3600
    abandoned_s: float = 3600.0
