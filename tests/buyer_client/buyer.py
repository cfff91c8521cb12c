"""One buyer: the program and the library, with one wallet and folder, and what the seller got from it."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import randrange
from typing import Literal

import httpx
import pytest

from clearcanvas import AsyncClient, Wallet
from clearcanvas.cli.app import main
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
        http: httpx.AsyncClient | None = None,
    ) -> AsyncIterator[AsyncClient]:
        """The library's client, from an address of its own."""
        http = http or somebody()
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

    @property
    def shared(self) -> list[str]:
        """The options that say how to pay, and with which wallet."""
        where = ["--rail", self.rail, "--tempo-rpc-url", self.service.tempo_chain.rpc_url]
        return [*where, "--key-file", str(key_file(self.folder, self.key))]

    def arguments(self, *pictures: str | Path, url: str | None = None) -> list[str]:
        """The command line that buys pictures; further options may follow the pictures."""
        where = ["--url", url or self.service.url, "--out", str(self.out)]
        return ["remove", *map(str, pictures), *where, *self.shared]

    def run(self, *pictures: str | Path, url: str | None = None) -> tuple[int, str]:
        """Exit code and errors of the program, run in this process."""
        return run(*self.arguments(*pictures, url=url))


def somebody(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """HTTP from an address that nobody has come from, so that no limit of an address is met."""
    address = f"10.30.{randrange(256)}.{randrange(256)}"
    return httpx.AsyncClient(headers={"X-Forwarded-For": address}, trust_env=False, transport=transport)


PROGRAM = [sys.executable, "-m", "clearcanvas"]


def environment() -> dict[str, str]:
    """An environment without a wallet."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "PYTHONPATH": str(ROOT / "client" / "src")}


def key_file(folder: Path, key: str) -> Path:
    """A wallet's key as a file that its owner alone may read."""
    path = folder / "key"
    path.touch(mode=0o600)
    path.write_text(key + "\n")
    return path


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code of the program in this process, and what it writes to stderr, as one line."""
    with redirect_stderr(StringIO()) as said, pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert "Traceback" not in said.getvalue()
    return int(end.value.code or 0), " ".join(said.getvalue().split())


def _topic(address: str) -> str:
    return "0x" + address.removeprefix("0x").lower().rjust(64, "0")
