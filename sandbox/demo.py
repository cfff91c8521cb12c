"""Buys one cut-out per rail from a running sandbox with the official clients, and shows what it cost."""

import asyncio
import base64
import json
import mimetypes
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from mpp.client import Mpp
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from x402 import x402Client
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client

from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain, Chain, TempoChain
from sandbox.preview import preview
from sandbox.process import SandboxError

WAIT_SECONDS = 60.0
FEES = "On MPP the buyer also pays the network's fee; on x402 the settlement key pays it, in gas."


@dataclass(frozen=True)
class Request:
    """What is bought: address, picture and its media type."""

    url: str
    picture: bytes
    media_type: str


@dataclass(frozen=True)
class Rail:
    """One way to buy: on which chain the money moves, where the receipt is, and who does it."""

    name: str
    chain: Chain
    receipt_header: str
    buy: Callable[[Request, Chain], Coroutine[Any, Any, httpx.Response]]


@dataclass(frozen=True)
class Purchase:
    """What came of one attempt. Balances in base units, as (before, after)."""

    rail: Rail
    status: int
    milliseconds: float
    buyer: tuple[int, int]
    seller: tuple[int, int]
    transaction: str
    file: Path | None


async def buy_x402(request: Request, _: Chain) -> httpx.Response:
    """Pay with x402 v2: the whole official client."""
    wallet = register_exact_evm_client(x402Client(), EthAccountSigner(Account.from_key(BUYER.key)))
    async with x402HttpxClient(wallet, timeout=WAIT_SECONDS) as client:
        headers = {"Content-Type": request.media_type}
        return await client.post(request.url, content=request.picture, headers=headers)


async def buy_mpp(request: Request, chain: Chain) -> httpx.Response:
    """Pay with MPP: the whole official client, which asks the chain for gas."""
    wallet = tempo.charge(account=TempoAccount.from_key(BUYER.key), rpc_url=chain.rpc_url, currency=chain.token)
    async with Mpp(methods=[wallet]) as client:
        headers = {"Content-Type": request.media_type}
        return await client.fetch(request.url, method="POST", content=request.picture, headers=headers)


def demo(image: Path, out: Path, *, url: str, base_rpc_url: str, tempo_rpc_url: str) -> bool:
    """Buy the cut-out of `image` once per rail; pictures and receipts go to `out`. Whether both were bought.

    Raises:
        SandboxError: no such picture, or no sandbox is running.
    """
    if not image.is_file():
        raise SandboxError(f"There is no file {image}.")
    _assert_serving(url)
    out.mkdir(parents=True, exist_ok=True)
    media_type = mimetypes.guess_type(image, strict=False)[0] or "image/jpeg"
    request = Request(f"{url}/v1/remove-background", image.read_bytes(), media_type)
    with BaseChain.connect(base_rpc_url) as base, TempoChain.connect(tempo_rpc_url) as tempo_chain:
        _assert_standing(base, tempo_chain)
        rails = (
            Rail("x402", base, "PAYMENT-RESPONSE", buy_x402),
            Rail("mpp", tempo_chain, "Payment-Receipt", buy_mpp),
        )
        purchases = [_purchase(rail, request, out) for rail in rails]
    _show(purchases)
    return all(purchase.status == httpx.codes.OK for purchase in purchases)


def _purchase(rail: Rail, request: Request, out: Path) -> Purchase:
    buyer, seller = rail.chain.balance_of(BUYER.address), rail.chain.balance_of(SELLER.address)
    start = time.perf_counter()
    response = asyncio.run(rail.buy(request, rail.chain))
    milliseconds = (time.perf_counter() - start) * 1000
    file, receipt = _keep(rail, response, out)
    return Purchase(
        rail,
        response.status_code,
        milliseconds,
        (buyer, rail.chain.balance_of(BUYER.address)),
        (seller, rail.chain.balance_of(SELLER.address)),
        receipt.get("transaction") or receipt.get("reference", ""),
        file,
    )


def _keep(rail: Rail, response: httpx.Response, out: Path) -> tuple[Path | None, dict[str, Any]]:
    """Write the answer and its receipt down; a refusal is kept as the problem it is."""
    if not response.is_success:
        (out / f"{rail.name}.problem.json").write_bytes(response.content)
        return None, {}
    file = out / f"{rail.name}.png"
    file.write_bytes(response.content)
    encoded = response.headers[rail.receipt_header]
    receipt: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=="))
    (out / f"{rail.name}.receipt.json").write_text(json.dumps(receipt, indent=2) + "\n")
    return file, receipt


def _show(purchases: list[Purchase]) -> None:
    bought = Table("Rail", "Status", "ms", "Charged", "File", title="One cut-out per rail", box=SIMPLE_HEAD)
    balances = Table("Rail", "Account", "Before", "After", "Change", title="Balances", box=SIMPLE_HEAD)
    transactions = Table.grid(padding=(0, 2))
    for purchase in purchases:
        name = purchase.rail.name
        charged = purchase.seller[1] - purchase.seller[0]
        file = str(purchase.file or "none")
        bought.add_row(name, str(purchase.status), f"{purchase.milliseconds:.0f}", _dollars(charged), file)
        transactions.add_row(name, purchase.transaction or "no transaction")
        for account, (before, after) in (("buyer", purchase.buyer), ("seller", purchase.seller)):
            balances.add_row(name, account, _dollars(before), _dollars(after), _dollars(after - before))
    console = Console(soft_wrap=True)
    console.print(bought, transactions, balances, FEES, sep="\n")
    _show_pictures(console, purchases)


def _show_pictures(console: Console, purchases: list[Purchase]) -> None:
    """Where the cut-outs are, and on a terminal what they look like."""
    files = [purchase.file for purchase in purchases if purchase.file]
    for file in files:
        console.print(f"\n[bold]{file.resolve()}[/bold]")
    if files and console.is_terminal:
        console.print(preview(files[0]))


def _assert_serving(url: str) -> None:
    try:
        httpx.get(f"{url}/livez", timeout=5, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise SandboxError(f"Nothing serves at {url}. In another terminal: make serve") from error


def _assert_standing(*chains: Chain) -> None:
    for chain in chains:
        if not chain.is_running():
            raise SandboxError(
                f"Chain {chain.chain_id} does not answer at {chain.rpc_url}. Name the ports that `serve` was given."
            )


def _dollars(units: int) -> str:
    return f"{Decimal(units).scaleb(-6):f}"
