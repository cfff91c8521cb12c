"""The common parts of random and deterministic legs: buyers, records, the last phase and the audit."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.process import SandboxError
from tests.clients.purchase_client import WAYS
from tests.faults import journal
from tests.faults.audit import Findings, audit, manners, mark_untrue
from tests.faults.chain_records import ChainRecords
from tests.faults.coverage import Coverage, coverage
from tests.faults.history import History, Order, Payment, Transfer
from tests.faults.last_phase import LastPhase
from tests.faults.ledger_rows import differences, orphans
from tests.faults.legs import Deployment, Leg
from tests.faults.pictures import OUTPUTS, PICTURES
from tests.faults.process_faults import ProcessFault, ProcessFaults
from tests.faults.purchase_client import PurchaseClient
from tests.faults.steps import Case, CaseResult
from tests.faults.wallet import Wallet

LAST_PHASE_S = 150.0
"""Authorizations live for 35 s, and a killed settlement is asked about when its lease is over: then all is decided."""

VALID_S = 37.0
"""After its signature no payment of a campaign can move any more: authorizations live for 35 s, quotes for 25 s."""


@dataclass
class Result:
    """The result of a leg."""

    leg: Leg
    history: History
    findings: Findings = field(default_factory=Findings)
    faults: Counter[str] = field(default_factory=Counter)
    process_faults: Counter[str] = field(default_factory=Counter)
    manners: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    ledger_differences: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    coverage: Coverage | None = None
    cases: list[CaseResult] = field(default_factory=list)
    not_run: list[Case] = field(default_factory=list)

    def not_exercised(self) -> list[str]:
        """The missing coverage of the leg, one phrase each."""
        missed = [f"{each} was not run" for each in self.not_run]
        missed += [f"{each.case} did not strike" for each in self.cases if not each.struck]
        return missed + (self.coverage.missing() if self.coverage else [])

    @property
    def passed(self) -> bool:
        """Whether no promise was broken and the coverage is complete."""
        return self.findings.clean and not self.not_exercised()


class Phase:
    """The present phase of a leg, and the durations of earlier ones."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.name = "starting"
        self._seconds = seconds
        self._since = time.monotonic()

    def begin(self, name: str) -> None:
        """Note the seconds of the phase that ends here."""
        self._seconds[self.name] = round(time.monotonic() - self._since, 1)
        self.name, self._since = name, time.monotonic()


class LegRun:
    """Buyers and auditors of one deployment.

    Args:
        buyers: how many wallets there are.
    """

    def __init__(self, built: Deployment, result: Result, random: Random, phase: Phase, *, buyers: int) -> None:
        self.built = built
        self.result = result
        self.random = random
        self.phase = phase
        self.history = result.history
        self.client = PurchaseClient(built.hosts, self.history, {}, Random(random.random()))
        self.wallets: list[Wallet] = []
        self._buyers = buyers
        self._by_key: dict[str, int] = {}
        self._records = [ChainRecords(chain, self._found) for chain in (built.base, built.tempo)]

    @asynccontextmanager
    async def running(self, planned: list[tuple[int, ProcessFault]], *, doubts: bool) -> AsyncIterator[ProcessFaults]:
        """Fund the wallets, follow the chains and make the first, undisturbed sales; at the end the last phase and
        the audit. `doubts`: whether the leg must meet settlements in doubt."""
        freezes = any(fault.kind == "freeze" for _, fault in planned)
        for number in range(self._buyers):
            self.wallets.append(await asyncio.to_thread(Wallet, number, self.built.base, self.built.tempo))
        async with together(*(each.follow for each in self._records)):
            self.phase.begin("undisturbed")
            await self._undisturbed(self.wallets[0])
            process_faults = ProcessFaults(
                self.built.hosts, self.history, planned, Random(self.random.random()), self.result.process_faults
            )
            async with together(process_faults.run):
                yield process_faults
                self.phase.begin("last phase")
                await asyncio.sleep(1)
                await self._until_whole()
                await self._finish()
                self.phase.begin("waiting for the last payments to expire")
                await self._until_expired()
        await self._close()
        if doubts:
            met = (self.history, self.result.process_faults, self.built.tally)
            self.result.coverage = coverage(*met, freezes=freezes)
        self.phase.begin("ending")

    async def _undisturbed(self, wallet: Wallet) -> None:
        """One sale of each picture in each format: what comes is what has to come ever after."""
        wanted = [(picture, output) for picture in PICTURES for output in OUTPUTS]
        for place, (picture, output) in enumerate(wanted):
            order = self.history.order(0, WAYS[place % len(WAYS)], picture, output)
            await self._buy(order, wallet)

    async def _buy(self, order: Order, wallet: Wallet) -> None:
        """A busy machine alone may leave a settlement in doubt for a while."""
        payment = await self._sign(order, wallet)
        for _ in range(60):
            call = await self.client.send(payment)
            if call.right:
                payment.verdict = "delivered"
                return
            if call.final_refusal:
                payment.verdict = "uncharged"
                payment = await self._sign(order, wallet)
            await asyncio.sleep(1)
        raise SandboxError(f"There was no picture before the faults: {call}")

    async def _sign(self, order: Order, wallet: Wallet) -> Payment:
        """On a busy machine a worker may have to ask its chains once more before it quotes."""
        for _ in range(60):
            payment = await self.client.sign(order, wallet)
            if payment is not None:
                return payment
            await asyncio.sleep(1)
        raise SandboxError("There was no quote before the faults.")

    async def _until_whole(self) -> None:
        with suppress(TimeoutError, SandboxError):  # then payments stay in doubt, and the audit says so
            async with asyncio.timeout(120):
                while not all(each.whole() and not each.frozen() for each in self.built.hosts):  # noqa: ASYNC110 - processes tell nobody
                    await asyncio.sleep(0.5)
                for each in self.built.hosts:
                    await each.until_up()

    async def _finish(self) -> None:
        last = LastPhase(self.client, self.wallets, seconds=LAST_PHASE_S)
        for _ in range(3):
            await self._read_records()
            mark_untrue(self.history.payments)
            await last.finish(self.history.orders)
            await self._read_records()
            if not any(each.moved and not each.order.delivered for each in self.history.payments):
                break

    async def _until_expired(self) -> None:
        """What has not moved may still be moved by somebody, for as long as it is valid; then the audit is final."""
        unmoved = [payment.signed_at for payment in self.history.payments if not payment.moved]
        await asyncio.sleep(max(0.0, max(unmoved, default=0.0) + VALID_S - time.time()))

    async def _close(self) -> None:
        await self._read_records()
        mark_untrue(self.history.payments)
        self._read_journals()
        self.history.gas = sum(each.gas for each in self._records)
        self.history.reverted = sum(each.reverted for each in self._records)
        rows = await self.built.rows()
        result = self.result
        result.ledger_differences, result.orphans = differences(rows, self.history), orphans(rows)
        result.findings = audit(self.history, result.ledger_differences, result.orphans)
        result.manners, result.statuses = manners(self.history), self.client.statuses

    def _read_journals(self) -> None:
        numbers = {payment.ledger_id: payment.number for payment in self.history.payments}
        for line in journal.read(host.journal for host in self.built.hosts):
            number = numbers.get(journal.short_id(line["payment"]))
            if number is not None:
                self.history.journal.setdefault(number, []).append(line)
                self.history.payments[number].works += line["step"] == "work" and line["outcome"] == "done"

    async def _read_records(self) -> None:
        for each in self._records:
            await each.catch_up()

    def _found(self, key: str | None, transfer: Transfer) -> None:
        payments = self.history.payments
        for payment in payments[len(self._by_key) :]:
            self._by_key[payment.key] = payment.number
        number = self._by_key.get(key or "")
        if number is None:
            self.history.unmatched.append(transfer)
        else:
            payments[number].transfers.append(transfer)


@asynccontextmanager
async def together(*jobs: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run coroutines beside the block and cancel them at its end; a failure of one is raised then."""
    tasks = [asyncio.create_task(job()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def every(seconds: float, act: Callable[[], None]) -> AsyncIterator[None]:
    """Do something again and again beside the block."""

    async def job() -> None:
        while True:
            act()
            await asyncio.sleep(seconds)

    async with together(job):
        yield


def rows_of(cases: Sequence[CaseResult]) -> list[tuple[str, str]]:
    """A line for each case: its name and its end."""
    return [(str(each.case), _end_of(each)) for each in cases]


def _end_of(case: CaseResult) -> str:
    if not case.struck:
        return "did not strike"
    picture = "delivered" if case.order.delivered else "not delivered"
    return f"{picture}, {len(case.order.payments)} signed, {case.seconds:.0f} s"
