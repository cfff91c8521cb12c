"""The coverage that a campaign needs to be meaningful: doubts that moved and that did not, freezes, lies."""

from collections import Counter
from dataclasses import dataclass

from tests.faults.history import Call, History, Payment


@dataclass(frozen=True)
class Coverage:
    """How often a leg covered its purposes.

    Attributes:
        doubts_moved: payments over which the service said "outcome unknown" when a block had moved them already.
        doubts_unmoved: payments over which it said so when no block had.
        freezes: of worker, runner or host, each longer than a lease.
        lies: untrue answers of the facilitator; None where there is no facilitator.
    """

    doubts_moved: int
    doubts_unmoved: int
    freezes: int | None = None
    lies: int | None = None

    def missing(self) -> list[str]:
        """What was never covered, one phrase each; empty if the run is valid."""
        wanted = {
            "a settlement in doubt that had moved": self.doubts_moved,
            "a settlement in doubt that had not moved": self.doubts_unmoved,
            "a freeze longer than a lease": self.freezes,
            "a lie of the facilitator": self.lies,
        }
        return [name for name, count in wanted.items() if count == 0]


def coverage(history: History, process_faults: Counter[str], faults: Counter[str], *, freezes: bool) -> Coverage:
    """Count the coverage. Doubts are counted from responses and blocks, independent of the service's bookkeeping."""
    doubts = [(payment, call) for payment in history.payments for call in payment.own_calls if call.in_doubt]
    return Coverage(
        doubts_moved=len({payment.number for payment, call in doubts if _had_moved(payment, call)}),
        doubts_unmoved=len({payment.number for payment, call in doubts if not _had_moved(payment, call)}),
        freezes=sum(n for name, n in process_faults.items() if name.startswith("freeze")) if freezes else None,
        lies=sum(n for name, n in faults.items() if ": lie: " in name) if history.leg == "facilitator" else None,
    )


def _had_moved(payment: Payment, call: Call) -> bool:
    return any(transfer.surely_before(call.ended_at) for transfer in payment.transfers)
