"""One leg of the campaign, from the first undisturbed sale to the audit."""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sandbox.process import SandboxError
from tests.clients.counter import WAYS
from tests.faults.audit import Findings, audit, manners, mark_untrue
from tests.faults.buyer import Buyer
from tests.faults.chain_books import Books
from tests.faults.counter import Counter
from tests.faults.history import History, Transfer
from tests.faults.host import Part
from tests.faults.killer import ALL_PARTS, Killer, plan
from tests.faults.last_phase import LastPhase
from tests.faults.ledger_books import differences, orphans
from tests.faults.legs import Deployment, Leg, deployment
from tests.faults.pictures import OUTPUTS, PICTURES
from tests.faults.wallet import Wallet

LAST_PHASE_S = 180.0
"""Authorizations live for 35 s, and a killed settlement is asked about when its lease is over: then all is decided."""


@dataclass(frozen=True)
class Plan:
    """How much of what.

    Attributes:
        calls: paid calls before the last phase.
        minutes: after which the last phase begins, however many calls were made.
        kills: what may be killed; nothing when it is empty.
    """

    calls: int
    seed: int
    buyers: int
    minutes: float
    source: Path
    kills: tuple[Part, ...] = ALL_PARTS


@dataclass
class Result:
    """What a leg came to."""

    leg: Leg
    history: History
    findings: Findings = field(default_factory=Findings)
    faults: Tally[str] = field(default_factory=Tally)
    kills: Tally[str] = field(default_factory=Tally)
    manners: Tally[str] = field(default_factory=Tally)
    statuses: Tally[str] = field(default_factory=Tally)
    ledger_differences: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


Watch = Callable[[History, str], None]
"""Told of the history and the phase, a few times a second."""


async def run_leg(leg: Leg, plan_: Plan, folder: Path, watch: Watch) -> Result:
    """Run one leg in an empty folder, which keeps the logs of its hosts."""
    random = Random(f"{plan_.seed} {leg}")
    result = Result(leg, History(leg))
    phase = _Phase(result.seconds)
    async with (
        _every(0.3, lambda: watch(result.history, phase.name)),
        deployment(leg, folder, plan_.source, random) as built,
    ):
        result.faults = built.tally
        await _Campaign(built, plan_, result, random, phase).run()
    phase.begin("over")
    return result


class _Phase:
    """What a leg is at, and how long it has been at everything before."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self.name = "starting"
        self._seconds = seconds
        self._since = time.monotonic()

    def begin(self, name: str) -> None:
        """Note the seconds of the phase that ends here."""
        self._seconds[self.name] = round(time.monotonic() - self._since, 1)
        self.name, self._since = name, time.monotonic()


class _Campaign:
    def __init__(self, built: Deployment, plan_: Plan, result: Result, random: Random, phase: _Phase) -> None:
        self._built = built
        self._plan = plan_
        self._result = result
        self._random = random
        self._phase = phase
        self._history = result.history
        self._counter = Counter(built.hosts, self._history, {}, Random(random.random()))
        self._by_key: dict[str, int] = {}
        self._books = [Books(chain, self._found) for chain in (built.base, built.tempo)]
        self._ends = time.monotonic() + plan_.minutes * 60
        kills = plan(plan_.calls, plan_.kills, random)
        self._killer = Killer(built.hosts, self._history, kills, Random(random.random()), result.kills)

    async def run(self) -> None:
        wallets = [await asyncio.to_thread(self._wallet, number) for number in range(self._plan.buyers)]
        async with _together(*(book.follow for book in self._books)):
            self._phase.begin("undisturbed")
            await self._undisturbed(wallets[0])
            self._phase.begin("bad weather")
            async with _together(self._killer.run):
                async with _together(*self._built.storms):
                    await asyncio.gather(*(self._buyer(number, wallet).run() for number, wallet in enumerate(wallets)))
                self._phase.begin("last phase")
                await asyncio.sleep(1)
                await self._until_whole()
                await self._finish(wallets)
        await self._close_books()
        self._phase.begin("ending")

    def _wallet(self, number: int) -> Wallet:
        return Wallet(number, self._built.base, self._built.tempo)

    def _buyer(self, number: int, wallet: Wallet) -> Buyer:
        return Buyer(number, self._counter, wallet, Random(self._random.random()), self._enough)

    def _enough(self) -> bool:
        return self._history.paid_calls >= self._plan.calls or time.monotonic() > self._ends

    async def _undisturbed(self, wallet: Wallet) -> None:
        """One sale of each picture in each format: what comes is what has to come ever after."""
        wanted = [(picture, output) for picture in PICTURES for output in OUTPUTS]
        for place, (picture, output) in enumerate(wanted):
            order = self._history.order(0, WAYS[place % len(WAYS)], picture, output)
            payment = await self._counter.sign(order, wallet)
            assert payment is not None, "no quote in calm weather"
            call = await self._counter.send(payment)
            assert call.right, f"no picture in calm weather: {call}"
            payment.verdict = "delivered"

    async def _until_whole(self) -> None:
        with suppress(TimeoutError, SandboxError):  # then payments stay in doubt, and the audit says so
            async with asyncio.timeout(120):
                while not all(each.whole() for each in self._built.hosts):  # noqa: ASYNC110 - processes tell nobody
                    await asyncio.sleep(0.5)
                for each in self._built.hosts:
                    await each.until_up()

    async def _finish(self, wallets: Sequence[Wallet]) -> None:
        last = LastPhase(self._counter, wallets, seconds=LAST_PHASE_S)
        for _ in range(3):
            await self._read_books()
            mark_untrue(self._history.payments)
            await last.finish(self._history.orders)
            await self._read_books()
            if not any(each.moved and not each.delivered for each in self._history.payments):
                break

    async def _close_books(self) -> None:
        await self._read_books()
        mark_untrue(self._history.payments)
        rows = await self._built.rows()
        result = self._result
        result.ledger_differences, result.orphans = differences(rows, self._history), orphans(rows)
        result.findings = audit(self._history, result.ledger_differences, result.orphans)
        result.manners, result.statuses = manners(self._history), self._counter.statuses

    async def _read_books(self) -> None:
        for book in self._books:
            await book.catch_up()

    def _found(self, key: str | None, transfer: Transfer) -> None:
        payments = self._history.payments
        for payment in payments[len(self._by_key) :]:
            self._by_key[payment.key] = payment.number
        number = self._by_key.get(key or "")
        if number is None:
            self._history.unmatched.append(transfer)
        else:
            payments[number].transfers.append(transfer)


@asynccontextmanager
async def _together(*stories: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run coroutines beside the block and cancel them at its end; a failure of one is raised then."""
    tasks = [asyncio.create_task(story()) for story in stories]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def _every(seconds: float, act: Callable[[], None]) -> AsyncIterator[None]:
    async def story() -> None:
        while True:
            act()
            await asyncio.sleep(seconds)

    async with _together(story):
        yield
