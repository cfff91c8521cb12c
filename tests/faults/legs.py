"""The deployments that the campaign is split over, each with chains, proxies and state of its own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from sandbox.accounts import SELLER, SETTLER
from sandbox.anvil import anvil
from sandbox.chains import MULTICALL, BaseChain, TempoChain, artefact, tempo_chain
from sandbox.process import SandboxError, choose_port
from tests.fakes.facilitator import Facilitator
from tests.fakes.postgres import binaries, postgres_server
from tests.fakes.serving import serving
from tests.faults import tcp_proxy
from tests.faults.fault_schedule import NETWORK_FAULTS, Fault, FaultSchedule
from tests.faults.history import History
from tests.faults.host import Host
from tests.faults.http_proxy import HttpProxy
from tests.faults.ledger_rows import ReadRows, postgres_rows, sqlite_rows
from tests.faults.planned import Plans
from tests.faults.stalled_database import keep_stalling
from tests.faults.step_control import StepControl
from tests.faults.write_lock import HoldLock, keep_locking, postgres_lock, sqlite_lock

Leg = Literal["sqlite", "postgres", "facilitator"]
LEGS: tuple[Leg, ...] = ("sqlite", "postgres", "facilitator")
BASE_OPTIONS = ("--block-time", "0.5", "--prune-history", "256")
"""Half a second a block: a settlement is under way for long enough to be disturbed, and 10,000 calls come to an end."""
NOWHERE = "http://127.0.0.1:9"
SECRET = "the fault campaign's own secret, of no use elsewhere"
_LIES = (Fault.LIE,) * 4
"""A third of what a facilitator does outside of an outage."""


@dataclass
class Deployment:
    """What a leg runs on.

    Attributes:
        lock: the ledger's write lock.
        disturbances: what disturbs the parts; each runs until it is cancelled.
        tally: counts of injected faults, by part and kind.
        plans: the faults that are planned for single payments.
        control: answers the hosts' questions before each step; only where they were told to ask.
    """

    base: BaseChain
    tempo: TempoChain
    hosts: list[Host]
    rows: ReadRows
    lock: HoldLock
    plans: Plans
    control: StepControl
    disturbances: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)


def missing(leg: Leg) -> str | None:
    """Why a leg cannot be run here; None when it can."""
    return "PostgreSQL's server is not installed" if leg == "postgres" and binaries() is None else None


@asynccontextmanager
async def deployment(
    history: History, folder: Path, source: Path, random: Random, *, workers: int, ask: bool
) -> AsyncIterator[Deployment]:
    """Start chains, proxies and hosts of `history.leg`; the hosts are ready to sell when this yields.

    Args:
        workers: API workers of each host.
        ask: whether the hosts ask the step control before each step.
    """
    leg = history.leg
    async with AsyncExitStack() as stack:
        base, tempo = stack.enter_context(fast_base_chain()), stack.enter_context(tempo_chain())
        file, plans = folder / "ledger.sqlite3", Plans()
        control = await stack.enter_async_context(StepControl(plans, history).running())
        built = Deployment(base, tempo, [], sqlite_rows(file), sqlite_lock(file), plans, control)
        proxies = _Proxies(stack, built, random)
        settings = {
            "CLEARCANVAS_WORKERS": str(workers),
            # Finished pictures are kept in memory in one leg only: elsewhere every sale works.
            "CLEARCANVAS_RECENT_RESULTS_MB": "64" if leg == "postgres" and not ask else "0",
            "CLEARCANVAS_X402__RPC_URL": await proxies.before_http("base", base.rpc_url, NETWORK_FAULTS),
            "CLEARCANVAS_MPP__RPC_URL": await proxies.before_http("tempo", tempo.rpc_url, NETWORK_FAULTS),
            "CLEARCANVAS_X402__FACILITATOR_URL": NOWHERE,
            "CLEARCANVAS_DATABASE_URL": f"sqlite:///{file}",
        }
        if leg == "facilitator":
            url = await asyncio.to_thread(stack.enter_context, facilitator(base))
            faults = (*NETWORK_FAULTS, *_LIES)
            settings["CLEARCANVAS_X402__FACILITATOR_URL"] = await proxies.before_http("facilitator", url, faults)
        else:
            settings["CLEARCANVAS_X402__SETTLEMENT_KEY"] = SETTLER.key
        if leg == "postgres":
            settings["CLEARCANVAS_X402__FALLBACK_RPC_URL"] = await proxies.without_schedule("base", base.rpc_url)
            settings["CLEARCANVAS_DATABASE_URL"] = await proxies.before_postgres()
        whims = Random(random.random())
        built.disturbances.append(lambda: keep_locking(built.lock, whims, built.tally))
        if ask:
            settings["FAULTS_CONTROL"] = str(control.port)
        for number in range(2 if leg == "postgres" else 1):
            built.hosts.append(_host(number, settings, folder, source))
            stack.push_async_callback(asyncio.to_thread, built.hosts[-1].close)
        control.hosts, control.lock = built.hosts, built.lock
        for host in built.hosts:
            host.start()
        for host in built.hosts:
            if not await host.until_up(ready=True):
                raise SandboxError(f"{host.name} ended at its start. See {folder}")
        yield built


@contextmanager
def fast_base_chain() -> Iterator[BaseChain]:
    """The sandbox's Base-like chain with shorter blocks, and without its buyers."""
    with anvil(BaseChain.chain_id, *BASE_OPTIONS) as rpc:
        rpc.call("anvil_setCode", MULTICALL, artefact("Multicall")["runtime_bytecode"])
        rpc.call("anvil_setCode", BaseChain.token, artefact("TestToken")["runtime_bytecode"])
        yield BaseChain(rpc)


@contextmanager
def facilitator(base: BaseChain) -> Iterator[str]:
    """The SDK's facilitator over HTTP, which settles on the chain with a key of its own; gives its URL."""
    fake = Facilitator(rpc_url=base.rpc_url, key=SETTLER.key, network=f"eip155:{base.chain_id}")
    with serving(fake.app()) as url:
        yield url
        fake.close()


class _Proxies:
    """Puts proxies before the parts of a deployment."""

    def __init__(self, stack: AsyncExitStack, built: Deployment, random: Random) -> None:
        self._stack = stack
        self._built = built
        self._random = random

    async def before_http(self, part: str, upstream: str, kinds: tuple[Fault, ...]) -> str:
        """URL of a proxy before `upstream`, disturbed by a schedule of its own."""
        schedule = self._schedule(part, kinds)
        self._built.disturbances.append(schedule.run)
        return await self._proxy(part, upstream, schedule)

    async def without_schedule(self, part: str, upstream: str) -> str:
        """URL of a proxy that takes part in planned faults of `part` only."""
        return await self._proxy(part, upstream, self._schedule(part, ()))

    async def before_postgres(self) -> str:
        """URL of an empty database behind a proxy."""
        programs, built = binaries(), self._built
        assert programs is not None
        server = self._stack.enter_context(postgres_server(programs))
        direct = server.new_database()
        built.rows, built.lock = postgres_rows(direct), postgres_lock(direct)
        schedule, whims = self._schedule("database", tcp_proxy.KINDS), Random(self._random.random())
        built.disturbances += [schedule.run, lambda: keep_stalling(server.port, whims, built.tally)]
        proxy = tcp_proxy.TcpProxy(server.port, schedule)
        await self._stack.enter_async_context(proxy.running())
        return direct.replace(f":{server.port}/", f":{proxy.port}/")

    async def _proxy(self, part: str, upstream: str, schedule: FaultSchedule) -> str:
        proxy = HttpProxy(upstream, part, schedule, self._built.plans, self._built.control.act)
        await self._stack.enter_async_context(proxy.running())
        return proxy.url

    def _schedule(self, part: str, kinds: tuple[Fault, ...]) -> FaultSchedule:
        return FaultSchedule(part, Random(self._random.random()), kinds, self._built.tally)


def _host(number: int, settings: dict[str, str], folder: Path, source: Path) -> Host:
    port = choose_port(0)
    own = folder / f"host{number}"
    own.mkdir()
    env = {
        # Not the sandbox's profile: that would start chains of its own when one does not answer.
        "CLEARCANVAS_PROFILE": "testnet",
        "CLEARCANVAS_PUBLIC_URL": "http://127.0.0.1:3000",  # one name for all hosts, as behind a load balancer
        "CLEARCANVAS_TRUSTED_PROXIES": "127.0.0.1",
        "CLEARCANVAS_RATE_LIMIT__UNPAID_PER_MINUTE": "1000000",  # one wallet pays for all, and much goes wrong
        # Short lives, so that doubts come to their end; between the three at least what config/rules.py asks.
        "CLEARCANVAS_X402__MAX_TIMEOUT_SECONDS": "35",
        "CLEARCANVAS_X402__SETTLE_TIMEOUT_S": "12",
        "CLEARCANVAS_X402__VERIFY_TIMEOUT_S": "5",
        "CLEARCANVAS_X402__PAY_TO": SELLER.address,
        "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        "CLEARCANVAS_MPP__SECRET_KEY": SECRET,
        "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",  # the local chain mines nothing that is valid for longer than 30 s
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(own / "bentoml"),
        **settings,
    }
    log, journal = folder / f"host{number}.log", folder / f"host{number}.journal"
    return Host(f"host {number}", port, source=source, env=env, log=log, journal=journal)
