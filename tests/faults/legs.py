"""The deployments that the campaign is split over, each with chains, weather and state of its own."""

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
from sandbox.process import choose_port
from tests.fakes.facilitator import Facilitator
from tests.fakes.postgres import binaries, postgres_server
from tests.fakes.serving import serving
from tests.faults import tcp_proxy
from tests.faults.file_lock import keep_locking
from tests.faults.host import Host
from tests.faults.http_proxy import HttpProxy
from tests.faults.ledger_books import ReadRows, postgres_rows, sqlite_rows
from tests.faults.weather import Fault, Weather

Leg = Literal["sqlite", "postgres", "facilitator"]
LEGS: tuple[Leg, ...] = ("sqlite", "postgres", "facilitator")
WORKERS = 2
BASE_OPTIONS = ("--block-time", "0.5", "--prune-history", "256")
"""Half a second a block: a settlement is under way for long enough to be disturbed, and 10,000 calls come to an end."""
NOWHERE = "http://127.0.0.1:9"
SECRET = "the fault campaign's own secret, of no use elsewhere"


@dataclass
class Deployment:
    """What a leg runs on.

    Attributes:
        storms: what makes the weather; each runs until it is cancelled.
        tally: counts of injected faults, by part and kind.
    """

    base: BaseChain
    tempo: TempoChain
    hosts: list[Host]
    rows: ReadRows
    storms: list[Callable[[], Coroutine[Any, Any, None]]]
    tally: Counter[str] = field(default_factory=Counter)


def missing(leg: Leg) -> str | None:
    """Why a leg cannot be run here; None when it can."""
    return "PostgreSQL's server is not installed" if leg == "postgres" and binaries() is None else None


@asynccontextmanager
async def deployment(leg: Leg, folder: Path, source: Path, random: Random) -> AsyncIterator[Deployment]:
    """Start chains, weather and hosts; the hosts are ready to sell when this yields."""
    async with AsyncExitStack() as stack:
        base, tempo = stack.enter_context(fast_base_chain()), stack.enter_context(tempo_chain())
        built = Deployment(base, tempo, [], sqlite_rows(folder / "ledger.sqlite3"), [])
        yard = _Yard(stack, built, random)
        settings = {
            "CLEARCANVAS_X402__RPC_URL": await yard.before_http("base", base.rpc_url),
            "CLEARCANVAS_MPP__RPC_URL": await yard.before_http("tempo", tempo.rpc_url),
            "CLEARCANVAS_X402__FACILITATOR_URL": NOWHERE,
            "CLEARCANVAS_DATABASE_URL": f"sqlite:///{folder}/ledger.sqlite3",
        }
        if leg == "facilitator":
            url = await asyncio.to_thread(stack.enter_context, facilitator(base))
            settings["CLEARCANVAS_X402__FACILITATOR_URL"] = await yard.before_http("facilitator", url)
        else:
            settings["CLEARCANVAS_X402__SETTLEMENT_KEY"] = SETTLER.key
        if leg == "postgres":
            settings["CLEARCANVAS_X402__FALLBACK_RPC_URL"] = base.rpc_url
            settings["CLEARCANVAS_DATABASE_URL"] = await yard.before_postgres()
        else:
            path, whims = folder / "ledger.sqlite3", Random(random.random())
            built.storms.append(lambda: keep_locking(path, whims, built.tally))
        for number in range(2 if leg == "postgres" else 1):
            built.hosts.append(_host(number, settings, folder, source))
            stack.push_async_callback(asyncio.to_thread, built.hosts[-1].close)
        for host in built.hosts:
            host.start()
            assert await host.until_up(ready=True), f"{host.name} ended at its start; see {folder}"
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


class _Yard:
    """Puts weather before the parts of a deployment."""

    def __init__(self, stack: AsyncExitStack, built: Deployment, random: Random) -> None:
        self._stack = stack
        self._built = built
        self._random = random

    async def before_http(self, part: str, upstream: str) -> str:
        """URL of a proxy before `upstream`."""
        proxy = HttpProxy(upstream, self._weather(part, tuple(Fault)))
        await self._stack.enter_async_context(proxy.running())
        return proxy.url

    async def before_postgres(self) -> str:
        """URL of an empty database behind a proxy."""
        programs = binaries()
        assert programs is not None
        server = self._stack.enter_context(postgres_server(programs))
        direct = server.new_database()
        self._built.rows = postgres_rows(direct)
        proxy = tcp_proxy.TcpProxy(server.port, self._weather("database", tcp_proxy.KINDS))
        await self._stack.enter_async_context(proxy.running())
        return direct.replace(f":{server.port}/", f":{proxy.port}/")

    def _weather(self, part: str, kinds: tuple[Fault, ...]) -> Weather:
        weather = Weather(part, Random(self._random.random()), kinds, self._built.tally)
        self._built.storms.append(weather.run)
        return weather


def _host(number: int, settings: dict[str, str], folder: Path, source: Path) -> Host:
    port = choose_port(0)
    own = folder / f"host{number}"
    own.mkdir()
    env = {
        # Not the sandbox's profile: that would start chains of its own when one does not answer.
        "CLEARCANVAS_PROFILE": "testnet",
        "CLEARCANVAS_PUBLIC_URL": "http://127.0.0.1:3000",  # one name for all hosts, as behind a load balancer
        "CLEARCANVAS_WORKERS": str(WORKERS),
        "CLEARCANVAS_TRUSTED_PROXIES": "127.0.0.1",
        "CLEARCANVAS_RATE_LIMIT__UNPAID_PER_MINUTE": "1000000",  # one wallet pays for all, and much goes wrong
        # Short lives, so that doubts come to their end; between the three at least what config/rules.py asks.
        "CLEARCANVAS_X402__MAX_TIMEOUT_SECONDS": "35",
        "CLEARCANVAS_X402__SETTLE_TIMEOUT_S": "15",
        "CLEARCANVAS_X402__VERIFY_TIMEOUT_S": "5",
        "CLEARCANVAS_X402__PAY_TO": SELLER.address,
        "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        "CLEARCANVAS_MPP__SECRET_KEY": SECRET,
        "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",  # the local chain mines nothing that is valid for longer than 30 s
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(own / "bentoml"),
        **settings,
    }
    return Host(f"host {number}", port, source=source, env=env, log=folder / f"host{number}.log")
