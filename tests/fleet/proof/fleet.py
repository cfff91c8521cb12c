"""The fleet of a proof: proxy, two API hosts, two runner hosts, PostgreSQL and Redis, each on a host of its own."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # ships no types
import httpx

from sandbox.accounts import SELLER, SETTLER
from sandbox.chains import BaseChain, TempoChain, base_chain, tempo_chain
from sandbox.process import ROOT, SandboxError
from tests.fakes.postgres import OWNER, as_somebody_else, binaries
from tests.fakes.serving import TRUST
from tests.fleet.proof.member import Member, Ready
from tests.fleet.proof.network import NETWORK, WORLD, NetHost, name_hosts, network

APIS, RUNNERS = ("api1", "api2"), ("runner1", "runner2")
MEMBERS = ("postgres", "redis", *RUNNERS, *APIS, "proxy")
"""In the order in which they start."""
SITE = "http://clearcanvas.test"
DATABASE = f"postgresql://{OWNER}@postgres:5432/postgres"
ANYWHERE = "0.0.0.0"  # noqa: S104  # a host of the proof has the switch for its only network
_BIN = Path(sys.executable).parent
_SECRETS = {
    "CLEARCANVAS_RUNNER__TOKEN": "what API and runner hosts of a proof share, 32 bytes",
    "CLEARCANVAS_MPP__SECRET_KEY": "what the API hosts of a proof share, of no use elsewhere",
}
SHORT_LIVES = {
    "CLEARCANVAS_X402__MAX_TIMEOUT_SECONDS": "35",
    "CLEARCANVAS_X402__SETTLE_TIMEOUT_S": "12",
    "CLEARCANVAS_X402__VERIFY_TIMEOUT_S": "5",
}
"""So that payments in doubt come to an end within a short run. Between the three at least what config/rules.py asks."""


def missing() -> str | None:
    """Which program a proof lacks on this machine; None where all are there."""
    if binaries() is None:
        return "PostgreSQL's server is not installed (Debian: postgresql)"
    absent = [name for name in ("caddy", "redis-server") if not (_BIN / name).exists()]
    return f"no wheel carries {absent[0]} for this platform" if absent else None


@dataclass(frozen=True)
class Fleet:
    """What sells, and where its money arrives. `members` are by name; `url` is the proxy's."""

    members: Mapping[str, Member]
    hosts: Mapping[str, NetHost]
    base: BaseChain
    tempo: TempoChain
    url: str = SITE
    name: str = "proxy"


@asynccontextmanager
async def fleet(
    folder: Path, source: Path, settings: Mapping[str, str], *, stand_in_s: float | None = None
) -> AsyncIterator[Fleet]:
    """Start everything in a folder; it is ready to sell when this yields.

    Args:
        source: the folder of the source tree that API and runner hosts serve.
        settings: further environment variables of the API hosts.
        stand_in_s: seconds for each picture of stand-ins in the place of runners; None for real ones.

    Raises:
        SandboxError: a part did not come up.
    """
    with ExitStack() as stack:
        hosts = stack.enter_context(network(MEMBERS))
        name_hosts(folder, _names(hosts))
        base = stack.enter_context(base_chain(host=ANYWHERE))
        tempo = stack.enter_context(tempo_chain(host=ANYWHERE))
        builder = _Builder(folder, source, hosts, {**_chains(base, tempo), **settings}, stand_in_s)
        members = {name: builder.build(name) for name in MEMBERS}
        for member in members.values():
            member.start()
        await asyncio.gather(*(member.until_ready() for member in members.values()))
        yield Fleet(members, hosts, base, tempo)


def _names(hosts: Mapping[str, NetHost]) -> dict[str, list[str]]:
    """Each host by its name, and all of a kind by one name, as a Service of Kubernetes has them."""
    kinds = {"api": APIS, "runner": RUNNERS, "clearcanvas.test": ("proxy",)}
    return {name: [host.address] for name, host in hosts.items()} | {
        name: [hosts[each].address for each in found] for name, found in kinds.items()
    }


def _chains(base: BaseChain, tempo: TempoChain) -> dict[str, str]:
    return {
        "CLEARCANVAS_X402__RPC_URL": base.rpc_url.replace("127.0.0.1", WORLD),
        "CLEARCANVAS_MPP__RPC_URL": tempo.rpc_url.replace("127.0.0.1", WORLD),
    }


class _Builder:
    """Makes the members; each has a folder and a log of its own."""

    def __init__(
        self,
        folder: Path,
        source: Path,
        hosts: Mapping[str, NetHost],
        settings: Mapping[str, str],
        stand_in_s: float | None,
    ) -> None:
        self._folder = folder
        self._source = source
        self._hosts = hosts
        self._settings = settings
        self._stand_in_s = stand_in_s

    def build(self, name: str) -> Member:
        make = getattr(self, f"_{name.rstrip('12')}")
        member = make(self._hosts[name], self._own_folder(name))
        assert isinstance(member, Member)
        return member

    def _own_folder(self, name: str) -> Path:
        own = self._folder / name
        own.mkdir()
        own.chmod(0o755)
        return own

    def _member(
        self,
        host: NetHost,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        ready: Ready,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Member:
        log = self._folder / f"{host.name}.log"
        words = [str(each) for each in command]
        return Member(
            host, words, env=_outer() | dict(env), cwd=self._source, log=log, ready=ready, stop_signal=stop_signal
        )

    def _postgres(self, host: NetHost, own: Path) -> Member:
        programs = binaries()
        if programs is None:
            raise SandboxError("PostgreSQL's server is not installed.")
        data = own / "data"
        shutil.chown(own, "postgres", "postgres")
        words = [*as_somebody_else(), programs / "initdb", "-D", data, "-U", OWNER, "-A", "trust"]
        subprocess.run(words, check=True, timeout=120, stdout=subprocess.DEVNULL)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK} trust\n")
        options = ("-cport=5432", f"-clisten_addresses={ANYWHERE}", "-cunix_socket_directories=")
        command = [*as_somebody_else(), programs / "postgres", "-D", data, *options]
        # SIGINT is PostgreSQL's "fast" stop; SIGTERM waits for its clients to leave.
        return self._member(host, command, {}, _postgres_ready, signal.SIGINT)

    def _redis(self, host: NetHost, own: Path) -> Member:
        options = ("--bind", ANYWHERE, "--protected-mode", "no", "--save", "", "--dir", str(own))
        return self._member(host, [_BIN / "redis-server", *options], {}, lambda: _answers_ping(host.address))

    def _runner(self, host: NetHost, own: Path) -> Member:
        env = {
            "CLEARCANVAS_PROFILE": "testnet",
            "CLEARCANVAS_RUNNER__HOST": host.address,
            "CLEARCANVAS_RUNNER__TOKEN": _SECRETS["CLEARCANVAS_RUNNER__TOKEN"],
            "BENTOML_HOME": str(own),
        }
        command = [str(_BIN / "bentoml"), "serve", "runner_service:MattingRunner"]
        if self._stand_in_s is not None:
            command = [sys.executable, "-m", "tests.fleet.proof.stand_in", host.address, str(self._stand_in_s)]
        return self._member(host, command, env, lambda: _is_well(f"http://{host.address}:3100/readyz"))

    def _api(self, host: NetHost, own: Path) -> Member:
        env = {
            "CLEARCANVAS_PROFILE": "testnet",
            "CLEARCANVAS_PUBLIC_URL": SITE,
            "CLEARCANVAS_TRUSTED_PROXIES": self._hosts["proxy"].address,
            "CLEARCANVAS_DATABASE_URL": DATABASE,
            "CLEARCANVAS_RATE_LIMIT__REDIS_URL": "redis://redis:6379/0",
            "CLEARCANVAS_RUNNER__ADDRESSES": "http://runner:3100",
            "CLEARCANVAS_CONNECTIONS__ANNOUNCE_STOP_S": "5",
            "CLEARCANVAS_RECENT_RESULTS_MB": "0",  # every sale works
            "CLEARCANVAS_X402__PAY_TO": SELLER.address,
            "CLEARCANVAS_X402__SETTLEMENT_KEY": SETTLER.key,
            "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
            "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",  # the local chain mines nothing that is valid for over 30 s
            "BENTOML_HOME": str(own),
            **_SECRETS,
            **self._settings,
        }
        command = [str(_BIN / "bentoml"), "serve", "service:BackgroundRemoval", "--port", "3000", "--host", ANYWHERE]
        return self._member(host, command, env, lambda: _is_well(f"http://{host.address}:3000/readyz"))

    def _proxy(self, host: NetHost, own: Path) -> Member:
        env = {
            "SITE": SITE,
            "ACME_EMAIL": "nobody@clearcanvas.test",
            "UPSTREAMS": "hosts",
            "API_HOSTS": " ".join(f"{name}:3000" for name in APIS),
            "HOME": str(own),
            "XDG_CONFIG_HOME": str(own),
            "XDG_DATA_HOME": str(own),
        }
        command = [str(_BIN / "caddy"), "run", "--adapter", "caddyfile", "--config", str(ROOT / "deploy/Caddyfile")]
        return self._member(host, command, env, lambda: _is_well(f"{SITE}/livez"))


def _outer() -> dict[str, str]:
    kept_out = ("CLEARCANVAS_", "BENTOML_")
    return {name: value for name, value in os.environ.items() if not name.startswith(kept_out)} | {
        "BENTOML_DO_NOT_TRACK": "True"
    }


async def _is_well(url: str) -> bool:
    with suppress(httpx.HTTPError):
        async with httpx.AsyncClient(trust_env=False, verify=TRUST, timeout=3) as client:
            return (await client.get(url)).is_success
    return False


async def _postgres_ready() -> bool:
    with suppress(OSError, TimeoutError, asyncpg.PostgresError):
        connection = await asyncpg.connect(DATABASE, timeout=3)
        await connection.close()
        return True
    return False


async def _answers_ping(address: str) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(address, 6379)
            writer.write(b"PING\r\n")
            answer = await reader.readline()
            writer.close()
            return answer.startswith(b"+PONG")
    return False
