"""Buys from a running service: photographs, a funded key, and many purchases at once with x402."""

import asyncio
import secrets
import subprocess
from io import BytesIO

import httpx
from eth_account import Account
from PIL import Image
from skimage import data

from sandbox.accounts import BUYER
from sandbox.chains import BaseChain, TempoChain
from sandbox.wallets import sign_x402
from tests.fakes.serving import TRUST
from tests.running_service import RunningService

ROUTE = "/v1/remove-background"


def photograph(quality: int) -> bytes:
    """A person as JPEG, 512 x 512; another order for each quality."""
    file = BytesIO()
    Image.fromarray(data.astronaut()).save(file, "JPEG", quality=quality)
    return file.getvalue()


def unique_photograph() -> bytes:
    """The same picture as a file of its own: a comment makes it another purchase than everybody else's."""
    picture, comment = photograph(quality=90), secrets.token_bytes(16)
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + picture[2:]


def funded_key(*chains: BaseChain | TempoChain, funds: int) -> str:
    """The private key of an account that has paid nowhere yet, and holds `funds` (base units) on each chain."""
    account = Account.create()
    for chain in chains:
        chain.fund(account.address, funds)
    return "0x" + bytes(account.key).hex()


async def buy(
    service: RunningService, pictures: list[bytes], stop: subprocess.Popen[bytes] | None = None
) -> list[httpx.Response]:
    """The answers for all pictures; with `stop`, that process is told to end while they are at work."""
    async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False, verify=TRUST) as client:
        quotes = [await client.post(ROUTE) for _ in pictures]
        payments = [sign_x402(BUYER.key, quote.headers["PAYMENT-REQUIRED"]) for quote in quotes]
        sales = [
            asyncio.create_task(client.post(ROUTE, content=picture, headers={"Content-Type": "image/jpeg", **payment}))
            for picture, payment in zip(pictures, payments, strict=True)
        ]
        if stop:
            await asyncio.sleep(0.3)
            stop.terminate()
        return await asyncio.gather(*sales)
