"""One buyer: the program and the library, with one wallet and folder, and what the seller got from it."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import randrange
from typing import Literal

import httpx

from clearcanvas import AsyncClient, Wallet
from clearcanvas.stages import Observer, nobody
from sandbox.accounts import SELLER
from sandbox.chains import Chain
from tests.clients.cutouts import TRANSFER
from tests.running_service import RunningService

RailName = Literal["x402", "mpp"]
ROOT = Path(__file__).parents[2]
JOURNAL = ".clearcanvas.sqlite3"


@dataclass(frozen=True)
class Buyer:
    """Buys from `service` with the account of `key`, and keeps its results in `folder / "cutouts"`."""

    service: RunningService
    rail: RailName
    folder: Path
    key: str

    @property
    def out(self) -> Path:
        """Where its results lie."""
        return self.folder / "cutouts"

    @property
    def chain(self) -> Chain:
        """The chain on which it pays."""
        return self.service.base_chain if self.rail == "x402" else self.service.tempo_chain

    def transfers(self) -> list[int]:
        """The amounts of all transfers from this account to the seller, as the chain shows them."""
        payer, seller = (_topic(address) for address in (Wallet(self.key).address, SELLER.address))
        logs = self.chain.rpc.call(
            "eth_getLogs",
            {"fromBlock": "0x0", "toBlock": "latest", "address": self.chain.token, "topics": [TRANSFER, payer, seller]},
        )
        return [int(log["data"], 16) for log in logs]

    @asynccontextmanager
    async def client(
        self,
        *,
        url: str | None = None,
        max_spend: str = "1.00",
        timeout_s: float = 60.0,
        patience_s: float = 60.0,
        pay_again: bool = False,
        observe: Observer = nobody,
    ) -> AsyncIterator[AsyncClient]:
        """The library's client, from an address of its own."""
        http = somebody()
        client = AsyncClient(
            url or self.service.url,
            wallet=Wallet(self.key),
            journal=self.out / JOURNAL,
            max_spend=max_spend,
            rail=self.rail,
            timeout_s=timeout_s,
            patience_s=patience_s,
            tempo_rpc_url=self.service.tempo_chain.rpc_url,
            pay_again=pay_again,
            observe=observe,
            http=http,
        )
        async with http, client:
            yield client

    def command(self, *pictures: str | Path, url: str | None = None) -> list[str]:
        """The command line that buys pictures; further options may follow the pictures."""
        shared = ["--url", url or self.service.url, "--out", str(self.out), "--rail", self.rail]
        return [*PROGRAM, "remove", *map(str, pictures), *shared]

    def run(self, *pictures: str | Path, url: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        return run(self.command(*pictures, url=url), self.environment)

    @property
    def environment(self) -> dict[str, str]:
        """What the program finds: the key, and the sandbox's node."""
        return environment() | {"BUYER_KEY": self.key, "TEMPO_RPC_URL": self.service.tempo_chain.rpc_url}


def somebody() -> httpx.AsyncClient:
    """HTTP from an address that nobody has come from, so that no limit of an address is met."""
    address = f"10.30.{randrange(256)}.{randrange(256)}"
    return httpx.AsyncClient(headers={"X-Forwarded-For": address}, trust_env=False)


PROGRAM = [sys.executable, "-m", "clearcanvas"]


def environment() -> dict[str, str]:
    """An environment without a wallet."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT / "client" / "src")}


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, at most for two minutes."""
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


def _topic(address: str) -> str:
    return "0x" + address.removeprefix("0x").lower().rjust(64, "0")
