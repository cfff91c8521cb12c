"""Planned faults of one payment at one step of its sale, for the deterministic part of the campaign."""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import psutil
from eth_utils.crypto import keccak

from tests.faults.facilitator_lies import Lie
from tests.faults.history import Payment


class Step(StrEnum):
    """The steps of a sale, in their order. The ledger's and the rail's ports are stopped at, the chain's calls are
    recognised on the wire."""

    FIND = "find"
    VERIFY = "verify"
    CLAIM = "claim"
    RENEW = "renew"
    WORK = "work"
    BEGIN_SETTLEMENT = "begin_settlement"
    SETTLE = "settle"
    """The rail is asked to settle; SETTLING is written, nothing is sent yet."""
    BROADCAST = "broadcast"
    """The transaction is sent: `eth_sendRawTransaction`, `eth_sendRawTransactionSync` or `/settle`."""
    RECEIPT = "receipt"
    """`eth_getTransactionReceipt` for that transaction."""
    SETTLED = "settled"
    DELIVER = "deliver"
    """SETTLED is written, the answer is not yet sent."""


class Effect(StrEnum):
    """A fault at a step, injected once."""

    ERROR = "error"
    """The step fails without effect."""
    HANG = "hang"
    """The step stands still for longer than a lease and then takes effect: a stalled disk, a slow node."""
    LOST = "lost"
    """The step takes effect and its reply is lost."""
    FREEZE = "freeze"
    """SIGSTOP of the API worker before the step, for longer than a lease; the buyer sends again meanwhile."""
    FREEZE_LATE = "freeze, sent again late"
    """The same, but the buyer sends again only when the service refuses the payment for its time, and pays anew."""
    FREEZE_REFUSED = "freeze, refused meanwhile"
    """The same, but verification fails for the second request, and a stock client pays anew on its `charged: false`."""
    KILL = "kill"
    """SIGKILL of the API worker before the step; at `broadcast` and `receipt` after the node has the request."""
    LOCK = "write lock"
    """Another connection holds the database's write lock for longer than a lease from before the step on."""
    FREEZE_RUNNER = "freeze of the runner"
    KILL_RUNNER = "kill of the runner"
    FREEZE_HOST = "freeze of the host"
    DOUBT_MOVED = "doubt, moved"
    """The transaction is sent, its reply is lost, and the chain is out for longer than a settlement waits."""
    DOUBT_UNMOVED = "doubt, not moved"
    """The transaction is not sent, and the chain is out for longer than a settlement waits."""
    LIE = "lie"


ON_THE_WIRE = (Step.BROADCAST, Step.RECEIPT)
_MARKS = {
    Step.VERIFY: (b"/verify",),
    Step.BROADCAST: (b"eth_sendRawTransaction", b"/settle"),
    Step.RECEIPT: (b"eth_getTransactionReceipt",),
}
_RAW = re.compile(rb'"params"\s*:\s*\[\s*"0x([0-9a-fA-F]+)"')
_HASH = re.compile(rb"0x[0-9a-fA-F]{64}\b")


@dataclass
class PlannedFault:
    """One fault for one payment, injected once.

    Attributes:
        pid: of the API worker that was last seen at work on the payment.
        frozen: processes that the fault has stopped.
        struck: set when the fault takes effect.
        hashes: transactions of the payment that were seen on the wire, 0x-hex in lower case.
    """

    payment: Payment
    step: Step
    effect: Effect
    lie: Lie | None = None
    pid: int | None = None
    frozen: list[psutil.Process] = field(default_factory=list)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    hashes: set[bytes] = field(default_factory=set)

    @property
    def on_the_wire(self) -> bool:
        """Whether it strikes a request to a chain or the facilitator, and not a call of a port."""
        return self.step in ON_THE_WIRE or self.effect is Effect.LIE


class Plans:
    """All planned faults of a leg, and the outages that they cause."""

    def __init__(self) -> None:
        self._open: list[PlannedFault] = []
        self._out_until: dict[str, float] = {}

    def add(self, planned: PlannedFault) -> None:
        """Plan a fault."""
        self._open.append(planned)

    def remove(self, planned: PlannedFault) -> None:
        """Remove a fault, whether or not it was injected."""
        self._open.remove(planned)

    def at_port(self, payment_id: str, pid: int, step: str) -> PlannedFault | None:
        """The fault for a call of a port, which strikes now. Notes which process is at work on the payment."""
        for planned in self._open:
            if payment_id.lower().endswith(planned.payment.ledger_id.lower()):
                if not planned.struck.is_set():
                    planned.pid = pid
                if planned.step == step and not planned.on_the_wire and not planned.struck.is_set():
                    planned.struck.set()
                    return planned
        return None

    def on_the_wire(self, request: bytes) -> PlannedFault | None:
        """The fault for a request to a chain or the facilitator, which strikes now."""
        text = request.lower()
        for planned in self._open:
            self._learn(planned, request, text)
            step = planned.step
            if not planned.on_the_wire or planned.struck.is_set():
                continue
            named = planned.hashes if step is Step.RECEIPT else {_key(planned)}
            if any(mark.lower() in text for mark in _MARKS[step]) and any(name in text for name in named):
                planned.struck.set()
                return planned
        return None

    def learn(self, request: bytes, answer: bytes) -> None:
        """Note the transactions that an answer names for a payment."""
        for planned in self._open:
            if _key(planned) in request.lower():
                planned.hashes.update(each.lower() for each in _HASH.findall(answer))

    def _learn(self, planned: PlannedFault, request: bytes, text: bytes) -> None:
        if _key(planned) in text and (raw := _RAW.search(request)):
            planned.hashes.add(b"0x" + keccak(bytes.fromhex(raw[1].decode())).hex().encode())

    def begin_outage(self, parts: Iterable[str], seconds: float) -> None:
        """Start an outage of parts."""
        for part in parts:
            self._out_until[part] = time.monotonic() + seconds

    def is_out(self, part: str) -> bool:
        """Whether an outage of a part goes on."""
        return time.monotonic() < self._out_until.get(part, 0.0)


def _key(planned: PlannedFault) -> bytes:
    return planned.payment.key.removeprefix("0x").lower().encode()
