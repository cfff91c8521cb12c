"""The service in this process, opened anew with other secrets as often as a test wants; only the model is a fake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

import storage
from composition import compose
from config import load
from models.manifest import ModelManifest
from runners.client import RunnerClient
from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain, Chain, TempoChain
from sandbox.environment import environment
from sandbox.wallets import sign_mpp, sign_x402, sign_x402_v1
from tests.buying import ROUTE, photograph
from tests.clients.purchase_client import Way
from tests.fakes.runners import ScriptedRunner

URL = "http://127.0.0.1:3000"
PICTURE = photograph(90)


@dataclass(frozen=True)
class WholeService:
    """One ledger on two chains."""

    base: BaseChain
    tempo: TempoChain
    folder: Path
    database: str | None = None
    """URL of the ledger; None: a SQLite file in the folder."""

    @asynccontextmanager
    async def open(self, **secrets: str) -> AsyncIterator[httpx.AsyncClient]:
        """A service with these settings, by the ends of their names; who asks is at its buyer_for."""
        database = self.database or f"sqlite:///{self.folder}/ledger.sqlite3"
        await storage.migrate(database)
        changes = {"DATABASE_URL": database, "X402__SETTLE_TIMEOUT_S": "3", **secrets}
        settings = load(
            environment(self.base.rpc_url, self.tempo.rpc_url, URL)
            | {f"CLEARCANVAS_{name}": value for name, value in changes.items()}
        )
        manifest = ModelManifest.load(settings.runner.model)
        client = RunnerClient(ScriptedRunner(), model=manifest.name, size=manifest.input.size, timeout_s=10)
        await client.poll()
        async with (
            compose(settings, [(manifest, client)]) as app,
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as buyer,
        ):
            yield buyer

    async def sign(self, buyer: httpx.AsyncClient, way: Way) -> dict[str, str]:
        """A quote, paid."""
        return await self.pay(await buyer.post(ROUTE), way)

    async def pay(self, quote: httpx.Response, way: Way) -> dict[str, str]:
        """The header that pays a 402."""
        assert quote.status_code == 402, quote.text
        if way == "mpp":
            return await sign_mpp(BUYER.key, quote.headers["WWW-Authenticate"], self.tempo.rpc_url)
        if way == "x402 v1":
            return sign_x402_v1(BUYER.key, quote.content)
        return sign_x402(BUYER.key, quote.headers["PAYMENT-REQUIRED"])

    def earned(self, way: Way) -> int:
        """What the seller holds, in base units."""
        chain: Chain = self.tempo if way == "mpp" else self.base
        return chain.balance_of(SELLER.address)


async def send(buyer: httpx.AsyncClient, payment: dict[str, str], picture: bytes = PICTURE) -> httpx.Response:
    """The picture with its payment."""
    return await buyer.post(ROUTE, content=picture, headers={"Content-Type": "image/jpeg", **payment})
