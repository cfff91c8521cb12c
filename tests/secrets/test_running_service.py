"""The running service with marked secrets, and everything that can go wrong around it: no mark comes out anywhere.

Its nodes, its facilitator and its Redis tell in every failure all that they were told.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from urllib.parse import quote

import pytest
from eth_account import Account

from payments.monitor import HEALTH_LIMIT_S
from sandbox.accounts import SELLER, STRANGER
from sandbox.chains import BaseChain, TempoChain
from sandbox.process import ROOT
from tests.buying import ROUTE, photograph
from tests.clients.purchase_client import WAYS
from tests.fakes import postgres
from tests.fakes.facilitator import Facilitator
from tests.fakes.postgres import postgres_server
from tests.fakes.serving import serving
from tests.fakes.talkative_proxy import Mode, TalkativeProxy
from tests.fakes.talkative_redis import talkative_redis
from tests.processes import matching
from tests.raw_http import answer_to
from tests.running_service import RunningService, run_service
from tests.secrets import marks
from tests.secrets.marks import found, userinfo
from tests.secrets.witness import Witness, witness

PICTURE, OTHER_PICTURE = photograph(90), photograph(80)
SEND = ("eth_sendRawTransaction",)
PAGES = ("/", "/openapi.json", "/llms.txt", "/healthz", "/livez", "/readyz", "/metrics", "/marked-nowhere")
COMMON = {
    "CLEARCANVAS_LOG_LEVEL": "debug",
    "CLEARCANVAS_WORKERS": "1",
    "CLEARCANVAS_MPP__SECRET_KEY": marks.MPP_SECRET,
    "CLEARCANVAS_MPP__PREVIOUS_SECRET_KEY": marks.PREVIOUS_SECRET,
    "CLEARCANVAS_RECEIPTS__SIGNING_KEY": marks.RECEIPT_KEY,
    "CLEARCANVAS_X402__VERIFY_TIMEOUT_S": "3",
    "CLEARCANVAS_X402__SETTLE_TIMEOUT_S": "2",
    "CLEARCANVAS_MPP__CONFIRMATION_TIMEOUT_S": "2",
    "CLEARCANVAS_RUNNER__TIMEOUT_S": "4",
    "CLEARCANVAS_UPLOAD__MAX_BYTES": "1000000",
    "CLEARCANVAS_UPLOAD__RECEIVE_TIMEOUT_S": "1",
}


@pytest.fixture(scope="module")
def programs() -> Path:
    """Where PostgreSQL is installed."""
    return postgres.required_binaries()


async def test_nothing_comes_out_with_a_key_a_database_and_a_redis_of_its_own(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path, programs: Path
) -> None:
    base = TalkativeProxy(base_chain.rpc_url, lambda path: "")
    tempo = TalkativeProxy(tempo_chain.rpc_url, lambda path: "")
    base_chain.rpc.call("anvil_setBalance", Account.from_key(marks.SETTLEMENT_KEY).address, hex(10**18))
    with ExitStack() as parts:
        database = parts.enter_context(ExitStack())
        server = database.enter_context(postgres_server(programs))
        settings = COMMON | _own_settings(
            parts.enter_context(base.serve()),
            parts.enter_context(tempo.serve()),
            parts.enter_context(talkative_redis()),
            server.url().partition("@")[2],
        )
        service = parts.enter_context(run_service(base_chain, tempo_chain, tmp_path, settings))
        async with witness(service) as buyer:
            await _unpaid(buyer, service)
            await _sales(buyer)
            await _failing_nodes(buyer, base, tempo)
            await _silent_runner(buyer, service)
            await _crash_inside(buyer, tmp_path)
            await _broken_constraint(buyer, programs, server.url())
            await buyer.buy_all(WAYS, PICTURE, database.close)
            await buyer.get("/readyz")
    assert buyer.leaks() == []
    assert buyer.codes >= {
        *("bad_request", "invalid_image", "unknown_format", "malformed_payment", "payment_required"),
        *("payment_rejected", "not_found", "method_not_allowed", "upload_timeout", "payment_in_progress"),
        *("payment_used", "upload_too_large", "unsupported_media_type", "internal_error", "unavailable"),
        *("runner_unavailable", "rail_unavailable", "ledger_unavailable", "payment_outcome_unknown"),
    }
    assert base.failures.keys() == tempo.failures.keys() == {*NODE_FAILURES}


NODE_FAILURES: tuple[Mode, ...] = ("status", "html", "rpc_error", "reverted", "lost_reply", "hang")


def _own_settings(base: str, tempo: str, redis: str, database: str) -> dict[str, str]:
    rpc = f"http://{userinfo(marks.RPC_USER, marks.RPC_PASSWORD)}{base}/v2/{marks.RPC_PATH}"
    return {
        "CLEARCANVAS_X402__RPC_URL": rpc,
        "CLEARCANVAS_X402__FALLBACK_RPC_URL": f"http://{base}/?apikey={quote(marks.FALLBACK_QUERY, safe='')}",
        "CLEARCANVAS_X402__SETTLEMENT_KEY": marks.SETTLEMENT_KEY,
        "CLEARCANVAS_MPP__RPC_URL": f"http://{tempo}/v2/{marks.TEMPO_PATH}?key={quote(marks.TEMPO_QUERY, safe='')}",
        "CLEARCANVAS_DATABASE_URL": f"postgresql://{userinfo(postgres.OWNER, marks.DATABASE_PASSWORD)}{database}",
        "CLEARCANVAS_RATE_LIMIT__REDIS_URL": f"redis://{userinfo('', marks.REDIS_PASSWORD)}{redis}",
    }


async def _unpaid(buyer: Witness, service: RunningService) -> None:
    """Every page, every refusal that needs no payment, and HTTP that is none."""
    await buyer.until_well()
    for path in PAGES:
        await buyer.get(path)
    await buyer.get(ROUTE)
    for picture, parameters in ((b"no picture", ""), (PICTURE, "format=gif"), (bytes(1_100_000), "")):
        await buyer.send("mpp", picture, {}, parameters)
    await buyer.send("mpp", PICTURE, {"Content-Type": "text/html"})
    await buyer.buyer_for("mpp").post(_endless(), {})
    payment = await buyer.sign("x402 v2")
    for headers in ({"X-PAYMENT": "marked"}, {"Authorization": "Payment marked"}, payment | {"X-PAYMENT": "e30="}):
        await buyer.send("mpp", PICTURE, headers)
    [(name, value)] = payment.items()
    unreadable = f"POST {ROUTE} HTTP/1.1\r\n{name}: {value}\r\n\0\r\n\r\n"
    await buyer.remember(await answer_to(service.url, unreadable.encode()))


async def _endless() -> AsyncIterator[bytes]:
    yield PICTURE[:1000]
    await asyncio.sleep(2)


async def _sales(buyer: Witness) -> None:
    """On every rail: a sale, its copies at the same time, the same payment for another picture, and an empty purse."""
    for way in WAYS:
        await buyer.until_well()  # on a busy machine a sale of one worker may hold up its watch
        payment = await buyer.sign(way)
        await asyncio.gather(*(buyer.send(way, PICTURE, payment) for _ in range(3)))
        await buyer.send_until_sold(way, PICTURE, payment)
        again = await buyer.send(way, PICTURE, payment)
        assert again.headers["Idempotent-Replayed"] == "true"
        await buyer.send(way, OTHER_PICTURE, payment)
    await buyer.until_well()
    for way in ("x402 v2", "mpp"):
        await buyer.send(way, PICTURE, await buyer.sign_unfunded(way))


async def _failing_nodes(buyer: Witness, base: TalkativeProxy, tempo: TalkativeProxy) -> None:
    """Every way to fail, for the questions of a verification, and for the transaction of a settlement."""
    for only in (("",), SEND):
        await buyer.buy_all(("x402 v2", "mpp") * 6, PICTURE, partial(_fail, (base, tempo), only))
        await buyer.get("/readyz")
        await _recover(base, tempo)


def _fail(nodes: tuple[TalkativeProxy, ...], only: tuple[str, ...]) -> None:
    for node in nodes:
        node.fail(*NODE_FAILURES, only=only)


async def _recover(*proxies: TalkativeProxy) -> None:
    """A probe that met a failure says so when it is done; only then "ok" is the word of one that came after."""
    for proxy in proxies:
        proxy.recover()
    await asyncio.sleep(HEALTH_LIMIT_S + 1)


async def _silent_runner(buyer: Witness, service: RunningService) -> None:
    with _stopped_runner(service):
        answers = await buyer.buy_all(("x402 v2", "mpp"), OTHER_PICTURE)
        await buyer.get("/readyz")
    assert [answer.status_code for answer in answers] == [503, 503]


@contextmanager
def _stopped_runner(service: RunningService) -> Iterator[None]:
    """No picture gets done while the block runs."""
    [runner] = matching(service.process.pid, "MattingRunner")
    runner.send_signal(SIGSTOP)
    try:
        yield
    finally:
        runner.send_signal(SIGCONT)


async def _crash_inside(buyer: Witness, folder: Path) -> None:
    """Counts that cannot be read end in an exception that nobody has mapped."""
    [own] = [path for path in (folder / "bentoml" / "clearcanvas-metrics").iterdir() if path.is_dir()]
    counts = own / "buyer_for_1.db"
    await asyncio.to_thread(counts.write_bytes, b"\x40" + bytes(7) + b"\xff" * 64)
    answer = await buyer.get("/metrics")
    await asyncio.to_thread(counts.unlink)
    assert answer.status_code == 500


async def _broken_constraint(buyer: Witness, programs: Path, url: str) -> None:
    """The database takes no payment into settlement, and quotes the row."""
    rule = "ALTER TABLE payments ADD CHECK (state <> 'settling') NOT VALID"
    await (await asyncio.create_subprocess_exec(programs / "psql", "-q", url, "-c", rule)).wait()
    answers = await buyer.buy_all(WAYS, PICTURE)
    assert all(answer.status_code in {500, 503} for answer in answers), answers


async def test_nothing_comes_out_with_a_facilitator(
    base_chain: BaseChain, tempo_chain: TempoChain, tmp_path: Path
) -> None:
    facilitator = Facilitator(rpc_url=base_chain.rpc_url, key=STRANGER.key, network="eip155:84532")
    with ExitStack() as parts:
        upstream = parts.enter_context(serving(facilitator.app()))
        proxy = TalkativeProxy(upstream, lambda path: "/" + path.rpartition("/")[2])
        host = parts.enter_context(proxy.serve())
        service = parts.enter_context(run_service(base_chain, tempo_chain, tmp_path, COMMON | _facilitator(host)))
        async with witness(service) as buyer:
            await buyer.send_until_sold("x402 v2", PICTURE, await buyer.sign("x402 v2"))
            await _failing_facilitator(buyer, proxy)
            await _no_time(buyer)
            await _no_room(buyer, service)
            await _too_many(buyer)
            await _told_to_end(buyer, service, proxy)
    assert buyer.leaks(tmp_path / "ledger.sqlite3") == []
    assert buyer.codes >= {
        *("rail_unavailable", "payment_outcome_unknown", "overloaded", "deadline_unreachable"),
        "rate_limited",
    }
    assert proxy.failures.keys() == {*FACILITATOR_FAILURES}


FACILITATOR_FAILURES: tuple[Mode, ...] = ("status", "html", "refused", "lost_reply", "hang")


def _facilitator(host: str) -> dict[str, str]:
    """Settling through a facilitator; with little room, and with more time asked for than an MPP payment has."""
    user = userinfo("facilitator", marks.FACILITATOR_PASSWORD)
    return {
        "CLEARCANVAS_X402__FACILITATOR_URL": f"http://{user}{host}/{marks.FACILITATOR_PATH}",
        "CLEARCANVAS_PROFILE": "testnet",  # the sandbox always has a settlement key
        "BENTOML_HOST": "127.0.0.1",
        "CLEARCANVAS_TRUSTED_PROXIES": "127.0.0.1",
        "CLEARCANVAS_X402__PAY_TO": SELLER.address,
        "CLEARCANVAS_MPP__RECIPIENT": SELLER.address,
        "CLEARCANVAS_MPP__CHALLENGE_SECONDS": "25",
        "CLEARCANVAS_MPP__WORK_MARGIN_S": "24.5",
        "CLEARCANVAS_RUNNER__MAX_MEGAPIXELS_IN_FLIGHT": "0.3",
        "CLEARCANVAS_RUNNER__MAX_WAIT_S": "1.5",
        "CLEARCANVAS_RUNNER__TIMEOUT_S": "45",
    }


async def _failing_facilitator(buyer: Witness, facilitator: TalkativeProxy) -> None:
    fail = partial(facilitator.fail, *FACILITATOR_FAILURES, only=("/verify",))
    await buyer.buy_all(("x402 v2",) * 5, PICTURE, fail)
    facilitator.fail("status")
    await buyer.get("/readyz")
    await _recover(facilitator)


async def _no_time(buyer: Witness) -> None:
    await buyer.until_well()
    payment = await buyer.sign("mpp")
    await asyncio.sleep(1)
    await buyer.send("mpp", PICTURE, payment)


async def _no_room(buyer: Witness, service: RunningService) -> None:
    """Tried again where a busy machine was too slow for it: the silent runner was out before its queue was full."""
    for _ in range(5):
        await _fill(buyer, service)
        if "overloaded" in buyer.codes:
            return


async def _fill(buyer: Witness, service: RunningService) -> None:
    """One picture after the other, and none gets done, until there is one more than can be at work and wait."""
    payments = await buyer.sign_all(("x402 v2",) * 20)
    async with asyncio.TaskGroup() as sales:
        with _stopped_runner(service):
            for payment in payments:
                sales.create_task(buyer.send("x402 v2", OTHER_PICTURE, payment))
                await asyncio.sleep(0.4)  # at once they would be too many for the facilitator; later, the runner is out
                if "overloaded" in buyer.codes:
                    return


async def _too_many(buyer: Witness) -> None:
    somebody = buyer.buyer_for("mpp")
    for _ in range(31):
        await somebody.post(b"", {})


async def _told_to_end(buyer: Witness, service: RunningService, facilitator: TalkativeProxy) -> None:
    """SIGTERM in the middle of sales whose settlements fail, each in a way of its own however often it is repeated; the
    one whose reply was lost is found on the chain, the others stay in doubt."""
    payments = await buyer.sign_all(("x402 v1",) * 5)
    before = facilitator.failures.copy()
    facilitator.fail(*FACILITATOR_FAILURES, only=("/settle",), steady=True)
    async with asyncio.TaskGroup() as group:
        sales = [group.create_task(buyer.send_until_verified("x402 v1", PICTURE, each)) for each in payments]
        async with asyncio.timeout(60):
            while not (facilitator.failures - before).keys() >= {*FACILITATOR_FAILURES}:  # noqa: ASYNC110 - a thread's
                await asyncio.sleep(0.05)
        assert not all(sale.done() for sale in sales)
        service.process.terminate()
    answers = [sale.result() for sale in sales]
    in_doubt = [answer.json()["code"] for answer in answers if answer.status_code != 200]
    assert in_doubt == ["payment_outcome_unknown"] * (len(answers) - 1), answers
    await asyncio.to_thread(service.process.wait, 30)


def test_nothing_comes_out_of_settings_that_cannot_be_used(tmp_path: Path) -> None:
    """Every secret, wrong in a way of its own, and once more with a database that nobody serves."""
    ended = _serve(tmp_path, WRONG)
    assert "marked" not in ended
    assert "5ec4e7" not in ended
    for name in WRONG:
        assert f"  CLEARCANVAS_{name}: " in ended
    nobody = f"postgresql://{userinfo('ledger', marks.DATABASE_PASSWORD)}127.0.0.1:9/ledger"
    ended = _serve(tmp_path, {"DATABASE_URL": nobody, "MPP__SECRET_KEY": marks.MPP_SECRET})
    assert "The payment ledger is unavailable" in ended
    assert found(ended) == []


WRONG = {
    "X402__RPC_URL": "http://marked-user:marked-pass℀word@node",
    "X402__FALLBACK_RPC_URL": "http://[marked-host-of-the-node]/",
    "X402__SETTLEMENT_KEY": "0x" + "5ec4e7" * 11,
    "X402__FACILITATOR_URL": "https://facilitator.example/marked-path?key=marked",
    "X402__FACILITATOR_KEY_SECRET": "marked, and not a key",
    "X402__SIGNER_URL": "http://signer:marked-password@[marked",
    "MPP__RPC_URL": "http://user:marked#password@node",
    "MPP__SECRET_KEY": "marked, but too short",
    "MPP__PREVIOUS_SECRET_KEY": "marked, and too short",
    "DATABASE_URL": "mysql://user:marked-password@host/ledger",
    "RATE_LIMIT__REDIS_URL": "redis://user:marked/password@host:6379",
}


def _serve(folder: Path, settings: dict[str, str]) -> str:
    """What the service prints when it is started with settings that keep it from serving."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARCANVAS_", "BENTOML_"))}
    env |= {f"CLEARCANVAS_{name}": value for name, value in settings.items()}
    command = [str(Path(sys.executable).with_name("bentoml")), "serve", "service:BackgroundRemoval"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=env | {"BENTOML_HOME": str(folder), "BENTOML_DO_NOT_TRACK": "True"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    return ended.stdout
