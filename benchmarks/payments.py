"""CPU milliseconds that a paid request costs us on each rail: `make bench-payments`.

The whole application of one API worker runs in this process, called as its server would call it, and sells to official
clients on the sandbox's chains, one picture after the other. Counted is the CPU time of the process, all its threads
included (`time.process_time`), so that waiting for a chain costs nothing. Each stage has what is spent in it and in no
stage inside it:

    chain calls     our clients' part of every JSON-RPC call: aiohttp or httpx, encoding, decoding, retries
    picture         decode, fit, compose, encode; the model itself is replaced by one that answers at once

Both are shown and left out of the sum. Reading HTTP from the socket (uvicorn, h11) is not in any figure, nor is the
buyer's signing. What the worker does in the background meanwhile falls into the stage at work, and while a chain call
of the background is open, everything counts as a chain call: on a busy machine, where calls take long, the figures are
rough. A busy machine makes CPU time longer, too: other work takes the caches.
"""

import asyncio
import functools
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import simplejpeg
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Message

import storage
from api.upload import UploadMiddleware
from composition import compose
from config import Settings, load
from cut_out import CutOut
from logs import configure_logging
from models import ModelManifest
from payments import Gate
from payments.evm.node import Node
from payments.evm.rpc import RpcClient
from payments.mpp.attempt import MppAttempt
from payments.mpp.rail import MppRail
from payments.x402.attempt import X402Attempt
from payments.x402.rail import X402Rail
from runners.client import RunnerClient, State
from runners.inference import Pixels
from sandbox.accounts import BUYER
from sandbox.chains import base_chain, tempo_chain
from sandbox.environment import environment
from sandbox.wallets import sign_mpp, sign_x402, sign_x402_v1
from storage import SqlLedger
from storage.database import Statements

RUNS = 30
TARGETS_MS = {"x402 v2": 12, "x402 v1": 12, "mpp": 8}
URL = "http://127.0.0.1:3000"
ROUTE = "/v1/remove-background"
WAYS = ("x402 v2", "x402 v1", "mpp")
CHAIN, PICTURE, REST = "chain calls", "picture", "HTTP, limits and the rest"

STAGES: dict[str, tuple[tuple[type[Any], tuple[str, ...]], ...]] = {
    "upload": ((UploadMiddleware, ("__call__",)),),
    "gate": ((Gate, ("sell", "read")),),
    "credential": ((X402Rail, ("read",)), (MppRail, ("read",))),
    "verify": ((X402Attempt, ("verify",)), (MppAttempt, ("verify",))),
    "settle": ((X402Attempt, ("settle",)), (MppAttempt, ("settle",))),
    "receipt": ((X402Attempt, ("receipt_headers",)), (MppAttempt, ("receipt_headers",))),
    "database": (
        (SqlLedger, ("find", "claim", "begin_settlement", "settled")),
        (Statements, ("run", "rows")),  # the lock and the outbox of the settlement key, too
    ),
    PICTURE: ((CutOut, ("admit", "__call__")),),
    CHAIN: ((Node, ("ask", "ask_or_error")), (RpcClient, ("ask",)), (httpx.AsyncClient, ("send",))),
}


@dataclass
class Meter:
    """Gives every moment of CPU time to the innermost stage at work; one request at a time.

    A chain call counts as innermost wherever it runs: the SDK asks from a thread and we answer on the event loop.
    """

    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _open: list[str] = field(default_factory=list)
    _last: float = 0.0

    @contextmanager
    def inside(self, stage: str) -> Iterator[None]:
        self._turn()
        self._open.append(stage)
        try:
            yield
        finally:
            self._turn()
            self._open.remove(stage)

    def _turn(self) -> None:
        now = time.process_time()
        if self._open:
            self.spent[CHAIN if CHAIN in self._open else self._open[-1]] += 1000 * (now - self._last)
        self._last = now

    def around(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, metered."""
        if iscoroutinefunction(work):

            @functools.wraps(work)
            async def waited(*args: Any, **named: Any) -> Any:
                with self.inside(stage):
                    return await work(*args, **named)

            return waited

        @functools.wraps(work)
        def called(*args: Any, **named: Any) -> Any:
            with self.inside(stage):
                return work(*args, **named)

        return called


async def sold(app: ASGIApp, headers: dict[str, str], body: bytes) -> tuple[int, httpx.Headers, bytes]:
    """One request to the application without a client or a server: status, header fields and body of the answer."""
    fields = {"host": "127.0.0.1:3000", "content-type": "image/jpeg", "content-length": str(len(body)), **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": ROUTE,
        "raw_path": ROUTE.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 3000),
        "state": {},
    }
    sent: list[Message] = []
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return unread.pop() if unread else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], httpx.Headers(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent[1:])


class Blank:
    """A runner that answers at once, and sees foreground everywhere."""

    async def infer(self, model: str, image: Pixels, *, within_s: float) -> tuple[Pixels, State]:
        return np.full(image.shape[:-1], 255, np.uint8), await self.state(model)

    async def state(self, model: str) -> State:
        return State(wait_s=0, picture_s=0, waiting=0, batch_limit=1, backend="blank")


async def pay(way: str, headers: httpx.Headers, body: bytes, tempo_url: str) -> dict[str, str]:
    """A 402, paid by the official client."""
    if way == "mpp":
        return await sign_mpp(BUYER.key, headers["WWW-Authenticate"], tempo_url)
    return sign_x402_v1(BUYER.key, body) if way == "x402 v1" else sign_x402(BUYER.key, headers["PAYMENT-REQUIRED"])


async def figures(settings: Settings, tempo_url: str) -> dict[str, list[dict[str, float]]]:
    """Way → what each of its sales spent, by stage."""
    await storage.migrate(settings.ledger_url())
    manifest = ModelManifest.load(settings.runner.model)
    client = RunnerClient(Blank(), model=manifest.name, size=manifest.input.size, timeout_s=10)
    await client.poll()
    meter = Meter()
    for stage, parts in STAGES.items():
        for kind, names in parts:
            for name in names:
                setattr(kind, name, meter.around(stage, getattr(kind, name)))
    sales: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    async with compose(settings, [(manifest, client)]) as app:
        for number, way in enumerate(WAYS * (RUNS + 1)):
            # A picture that was made a moment ago is not made again.
            picture = simplejpeg.encode_jpeg(np.full((256, 256, 3), number % 256, np.uint8), quality=90)
            _, quote, body = await sold(app, {}, b"")
            payment = await pay(way, quote, body, tempo_url)
            meter.spent.clear()
            with meter.inside(REST):
                status, _, answer = await sold(app, payment, picture)
            if status != 200:
                raise RuntimeError(f"not sold: {status} {answer.decode()}")
            sales[way].append(dict(meter.spent))
    return {way: spent[1:] for way, spent in sales.items()}  # the first of each loads and connects


def own(spent: dict[str, float]) -> float:
    """What is left without chain calls and picture work."""
    return sum(ms for stage, ms in spent.items() if stage not in {CHAIN, PICTURE})


def table(sales: dict[str, list[dict[str, float]]]) -> Table:
    """Medians, and the 95th percentile of the sum."""
    shown = Table(f"CPU ms, median of {RUNS} sales", *WAYS)
    for stage in (REST, *(stage for stage in STAGES if stage not in {CHAIN, PICTURE})):
        shown.add_row(stage, *(f"{statistics.median(s.get(stage, 0.0) for s in sales[way]):.2f}" for way in WAYS))
    owns = {way: sorted(own(spent) for spent in sales[way]) for way in WAYS}
    shown.add_section()
    shown.add_row("own overhead", *(f"{statistics.median(owns[way]):.2f}" for way in WAYS))
    shown.add_row("its target", *(f"{TARGETS_MS[way]}" for way in WAYS))
    shown.add_row("its 95th percentile", *(f"{owns[way][int(RUNS * 0.95)]:.2f}" for way in WAYS))
    shown.add_section()
    for stage in (CHAIN, PICTURE):
        shown.add_row(
            f"({stage})", *(f"{statistics.median(s.get(stage, 0.0) for s in sales[way]):.2f}" for way in WAYS)
        )
    return shown


def main() -> None:
    """Measure and print."""
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        base, tempo = parts.enter_context(base_chain()), parts.enter_context(tempo_chain())
        changes = {"CLEARCANVAS_DATABASE_URL": f"sqlite:///{folder}/ledger.sqlite3"}
        changes |= {"CLEARCANVAS_RATE_LIMIT__UNPAID_PER_MINUTE": "1000000"}
        log = parts.enter_context((folder / "log").open("w"))
        with redirect_stderr(log):
            configure_logging("info")  # every line is made as in service, and goes to a file
        settings = load(environment(base.rpc_url, tempo.rpc_url, URL) | changes)
        Console().print(table(asyncio.run(figures(settings, tempo.rpc_url))))


if __name__ == "__main__":
    main()
