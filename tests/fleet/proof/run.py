"""One proof from the first sale to the audit. Runs inside of the namespaces (see `isolation`)."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sandbox.process import SandboxError
from tests.faults.audit import Findings, audit, mark_untrue
from tests.faults.chain_records import ChainRecords
from tests.faults.history import History, Transfer
from tests.faults.last_phase import LastPhase
from tests.faults.ledger_rows import differences, orphans, postgres_rows
from tests.faults.leg_run import every, together
from tests.faults.purchase_client import PurchaseClient
from tests.faults.wallet import Wallet
from tests.fleet.proof.acts import Act, Played, Stage
from tests.fleet.proof.fleet import DATABASE, SHORT_LIVES, Fleet, fleet
from tests.fleet.proof.load import Load
from tests.fleet.proof.network import buyers

WALLETS = 16


@dataclass(frozen=True)
class Plan:
    """The extent of a proof.

    Attributes:
        source: the source tree that is served.
        rate: buyers who arrive in a second.
        short_lives: whether payments expire soon (35 s), so that the last phase is short.
        minutes: after which no further act begins.
    """

    acts: Sequence[Act]
    source: Path
    seed: int
    rate: float
    fault_s: float
    after_s: float
    short_lives: bool
    minutes: float


@dataclass
class Result:
    """What a proof has found.

    Attributes:
        not_played: acts for which there was no time, or no fleet any more.
        slow_machine: whether other work runs beside the proof, as in a test run.
    """

    history: History
    played: list[Played] = field(default_factory=list)
    load: Load | None = None
    findings: Findings = field(default_factory=Findings)
    ledger_differences: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    no_retry_after: Counter[str] = field(default_factory=Counter)
    not_played: list[Act] = field(default_factory=list)
    slow_machine: bool = False
    phase: str = "starting"


Watch = Callable[[Result], None]
"""Receives what was found so far."""


async def prove(plan: Plan, folder: Path, watch: Watch, count: Watch) -> Result:
    """Play all acts under load, then audit.

    Args:
        watch: called at each new phase.
        count: called several times per second.

    Raises:
        SandboxError: the fleet did not come up.
    """
    result, random = Result(History("fleet"), slow_machine=plan.short_lives), Random(plan.seed)
    settings: Mapping[str, str] = SHORT_LIVES if plan.short_lives else {}
    async with every(0.5, lambda: count(result)), fleet(folder, plan.source, settings) as built:
        run = _Run(built, result, random, plan, watch)
        async with together(*(each.follow for each in run.records)):
            await run.play()
            await run.finish()
        await run.judge()
    return result


class _Run:
    def __init__(self, built: Fleet, result: Result, random: Random, plan: Plan, watch: Watch) -> None:
        self._built = built
        self._result = result
        self._plan = plan
        self._watch = watch
        self._by_key: dict[str, int] = {}
        self.records = [ChainRecords(chain, self._found) for chain in (built.base, built.tempo)]
        self._client = PurchaseClient([built], result.history, {}, Random(random.random()), buyers())
        self._wallets = [Wallet(number, built.base, built.tempo, official_mpp=False) for number in range(WALLETS)]
        self._load = Load(self._client, self._wallets, plan.rate, Random(random.random()))
        result.load = self._load

    async def play(self) -> None:
        """All acts, one after the other, while buyers arrive."""
        stage = Stage(self._built, self._plan.fault_s, self._plan.after_s)
        ends, left = time.monotonic() + 60 * self._plan.minutes, list(self._plan.acts)
        async with together(self._load.run):
            await self._until_sold()
            while left and time.monotonic() < ends:
                played = Played(left.pop(0), time.time())
                self._result.played.append(played)
                self._tell(str(played.act))
                try:
                    await stage.play(played.act, played)
                except SandboxError as error:
                    played.failed, played.ended_at = str(error), time.time()
                    break
            self._result.not_played = left

    async def _until_sold(self) -> None:
        """Each API host and each way has sold before the first fault."""
        self._tell("first sales")
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                while sum(each.ended_at is not None for each in self._load.purchases) < 6:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.2)

    async def finish(self) -> None:
        """Without faults: each gets a picture or `charged: false`, until nothing that was signed can move any more."""
        self._tell("last phase")
        await self._load.finish(seconds=30)
        for _ in range(3):
            await self._read_records()
            mark_untrue(self._result.history.payments)
            await LastPhase(self._client, self._wallets, seconds=90).finish(self._result.history.orders)
            await self._read_records()
            if not any(each.moved and not each.order.delivered for each in self._result.history.payments):
                break
        self._tell("waiting for the last payments to expire")
        unmoved = [payment.signed_at for payment in self._result.history.payments if not payment.moved]
        valid_s = 37.0 if self._plan.short_lives else 122.0
        await asyncio.sleep(max(0.0, max(unmoved, default=0.0) + valid_s - time.time()))
        await self._read_records()

    async def judge(self) -> None:
        """Compare what clients were told with chains and ledger."""
        self._tell("audit")
        history = self._result.history
        mark_untrue(history.payments)
        history.gas = sum(each.gas for each in self.records)
        history.reverted = sum(each.reverted for each in self.records)
        rows = await postgres_rows(DATABASE)()
        self._result.ledger_differences = differences(rows, history)
        self._result.findings = audit(history, self._result.ledger_differences, orphans(rows))
        self._result.statuses = self._client.statuses
        self._result.no_retry_after = self._client.no_retry_after

    async def _read_records(self) -> None:
        for each in self.records:
            await each.catch_up()

    def _tell(self, phase: str) -> None:
        self._result.phase = phase
        self._watch(self._result)

    def _found(self, key: str | None, transfer: Transfer) -> None:
        payments = self._result.history.payments
        for payment in payments[len(self._by_key) :]:
            self._by_key[payment.key] = payment.number
        number = self._by_key.get(key or "")
        if number is None:
            self._result.history.unmatched.append(transfer)
        else:
            payments[number].transfers.append(transfer)
