"""Instrumentation in the served copy only: the ports of a sale report to the campaign and follow its instructions.

`served_source.py` copies this file into the copy and lets its `composition.py` end with `COMPOSED`. Each call of a port
is written to a journal (one JSON object per line). With a control port the campaign is asked before each call: it
may stop or kill this process before it answers, and it answers what shall become of the call:

    go      the call is made
    error   the call is not made; the port's own "unavailable" is raised
    stall   the call is made after some seconds
    lost    the call is made, and the port's own "unavailable" is raised
"""

import asyncio
import functools
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from errors import LedgerUnavailable, PaymentOutcomeUnknown, RailUnavailable, RunnerUnavailable, ServiceError
from payments.mpp.attempt import MppAttempt
from payments.mpp.rail import MppRail
from payments.x402.attempt import X402Attempt
from payments.x402.rail import X402Rail

COMPOSED = """
from observed_ports import observe_rails, observed_ledger, observed_models

SqlLedger = observed_ledger(SqlLedger)
observe_rails()
_compose = compose


def compose(settings, models, *rest):
    return _compose(settings, observed_models(models), *rest)
"""

LEDGER = (
    *("find", "claim", "renew", "begin_settlement", "settled"),
    *("release", "take_over", "mark_unresolved", "count_delivery"),
)
ATTEMPT = ("verify", "settle", "find_receipt")
RAILS: dict[type, tuple[str, ...]] = {
    X402Attempt: ATTEMPT,
    MppAttempt: ATTEMPT,
    X402Rail: ("find_receipt",),
    MppRail: ("find_receipt",),
}
_UNAVAILABLE: dict[str, Callable[[], ServiceError]] = {
    "verify": lambda: RailUnavailable("An injected fault: the chain does not answer."),
    "settle": PaymentOutcomeUnknown,
    "find_receipt": PaymentOutcomeUnknown,
    "work": lambda: RunnerUnavailable("An injected fault: the runner does not answer."),
}

K = TypeVar("K", bound=type)
_payment: ContextVar[str | None] = ContextVar("payment", default=None)
"""The payment that this task processes; inference does not know it."""


def observed_ledger(ledger: K) -> K:
    """The class with observed transitions."""
    observed = _observed(ledger, [name for name in LEDGER if name != "renew"])
    return type(ledger)(ledger.__name__, (observed,), {"renew": _watched_renewals(cast(Any, ledger).renew)})


def observe_rails() -> None:
    """Watch every attempt to pay where it verifies, settles and asks for a receipt, and every rail where it does."""
    for kind, names in RAILS.items():
        for name in names:
            setattr(kind, name, _watched(name, getattr(kind, name)))


def observed_models(models: Sequence[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The models with their runners' inference observed."""
    return [(manifest, _ObservedRunner(client)) for manifest, client in models]


class _ObservedRunner:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def infer(self, image: Any) -> Any:
        payment_id = _payment.get()
        if payment_id is None:  # of the warm-up
            return await self._client.infer(image)
        return await _step("work", payment_id, lambda: self._client.infer(image))


def _observed(kind: K, names: Sequence[str]) -> K:
    methods = {name: _watched(name, getattr(kind, name)) for name in names}
    return type(kind)(kind.__name__, (kind,), methods)


def _watched(name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def call(self: Any, subject: Any, *args: Any, **kwargs: Any) -> Any:
        # An attempt to pay is asked to verify an order; everything else is asked about a payment.
        payment_id = self.credential.payment_id if name == "verify" else _id_of(subject)
        if name in ("find", "claim"):
            _payment.set(payment_id)
        result = await _step(name, payment_id, lambda: method(self, subject, *args, **kwargs))
        if name == "settled":
            await _ask("deliver", payment_id)
        return result

    return call


def _watched_renewals(renew: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Claims are renewed together; here each is observed separately, and a fault affects only one."""

    @functools.wraps(renew)
    async def call(self: Any, claims: Any, **kwargs: Any) -> Any:
        steps = (_step("renew", each.payment_id, functools.partial(renew, self, [each], **kwargs)) for each in claims)
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        failed = [each for each in outcomes if isinstance(each, BaseException)]
        if failed and len(failed) == len(outcomes):
            raise failed[0]
        # A failure is retried with the next heartbeat, so the claim counts as kept.
        return {claim for claim, kept in zip(claims, outcomes, strict=True) if kept}

    return call


def _id_of(subject: Any) -> str:
    """The payment's id, of an id, a claim or a payment."""
    if isinstance(subject, str):
        return subject
    return str(getattr(subject, "payment_id", None) or subject.id)


async def _step(name: str, payment_id: str, call: Callable[[], Awaitable[Any]]) -> Any:
    began_at, outcome = time.time(), "cancelled"
    try:
        result = await _obey(name, payment_id, call)
        outcome = "no" if result is None or result is False else "done"
        return result
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        _write(name, payment_id, began_at, outcome)


async def _obey(name: str, payment_id: str, call: Callable[[], Awaitable[Any]]) -> Any:
    what = await _ask(name, payment_id)
    if what == "error":
        raise _unavailable(name)
    result = await call()
    if what == "lost":
        raise _unavailable(name)
    return result


def _unavailable(name: str) -> ServiceError:
    return _UNAVAILABLE.get(name, lambda: LedgerUnavailable("An injected fault: the ledger does not answer."))()


async def _ask(name: str, payment_id: str) -> str:
    """The instruction for a call; returns after a stall."""
    port = os.environ.get("FAULTS_CONTROL")
    if port is None:
        return "go"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        try:
            asked = {"step": name, "payment": payment_id, "pid": os.getpid()}
            writer.write(json.dumps(asked).encode() + b"\n")
            told = json.loads(await reader.readline() or b"{}")
        finally:
            writer.close()
    except OSError:
        return "go"  # the campaign has ended
    await asyncio.sleep(float(told.get("seconds", 0)))
    return str(told.get("do", "go"))


def _write(name: str, payment_id: str, began_at: float, outcome: str) -> None:
    line = {"step": name, "payment": payment_id, "pid": os.getpid(), "began_at": began_at, "outcome": outcome}
    line["ended_at"] = time.time()
    with open(os.environ["FAULTS_JOURNAL"], "ab", buffering=0) as journal:  # noqa: PTH123 - one write, appended whole
        journal.write(json.dumps(line).encode() + b"\n")
