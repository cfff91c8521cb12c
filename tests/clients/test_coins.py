"""Stock clients pick among the coins of one quote: the first that they are set to pay, and by default the first."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from mpp import Receipt
from mpp.client import Mpp
from mpp.methods.tempo import TempoAccount
from mpp.methods.tempo import client as tempo

from sandbox.accounts import BUYER, SELLER
from sandbox.chains import TempoChain
from tests.clients.cutouts import PRICE
from tests.running_service import RunningService

NODE = Path(__file__).parents[2] / "examples" / "node"
PATH_USD, ALPHA_USD = TempoChain.token, TempoChain.second_token
MPPX = """
import { readFile } from 'node:fs/promises'
import { Receipt } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { createClient, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempoModerato } from 'viem/chains'
const [url, image, coin] = process.argv.slice(1)
const getClient = () => createClient({ chain: tempoModerato, transport: http(process.env.TEMPO_RPC_URL) })
const pinned = offers => offers.filter(offer => offer.challenge.request.currency === coin)
const mppx = Mppx.create({
  methods: [tempo.charge({ account: privateKeyToAccount(process.env.BUYER_KEY), getClient })],
  ...(coin ? { orderChallenges: pinned } : {}),
  polyfill: false,
})
const headers = { 'Content-Type': 'image/jpeg' }
const response = await mppx.fetch(url, { method: 'POST', headers, body: await readFile(image) })
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
console.log(Receipt.fromResponse(response).fundingCurrency)
"""


def pympp(service: RunningService, photo: Path, coin: str | None) -> str | None:
    """The coin in which the receipt of the Python client says it has paid."""

    picture, account, rpc_url = photo.read_bytes(), TempoAccount.from_key(BUYER.key), service.tempo_chain.rpc_url

    async def buy() -> httpx.Response:
        wallet = tempo.charge(account=account, rpc_url=rpc_url, currency=coin)
        async with Mpp(methods=[wallet]) as client:
            url, headers = f"{service.url}/v1/remove-background", {"Content-Type": "image/jpeg"}
            return await client.fetch(url, method="POST", content=picture, headers=headers)

    answer = asyncio.run(buy())
    assert answer.status_code == 200, answer.text
    return Receipt.from_payment_receipt(answer.headers["Payment-Receipt"]).funding_currency


def mppx(service: RunningService, photo: Path, coin: str | None) -> str:
    """The same of the JavaScript client."""
    if not (NODE / "node_modules" / "mppx").exists():
        pytest.fail("examples/node/node_modules is missing. Run: make setup")
    arguments = [f"{service.url}/v1/remove-background", str(photo), *([coin] if coin else [])]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "BUYER_KEY": BUYER.key,
        "TEMPO_RPC_URL": service.tempo_chain.rpc_url,
    }
    command = ["node", "--input-type=module", "-e", MPPX, "--", *arguments]
    done = subprocess.run(command, cwd=NODE, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("coin", "paid"), [(PATH_USD, PATH_USD), (ALPHA_USD, ALPHA_USD), (None, PATH_USD)])
@pytest.mark.parametrize("client", [pympp, mppx], ids=["pympp", "mppx"])
def test_a_stock_client_pays_in_the_coin_it_is_set_to(
    running_service: RunningService,
    photo: Path,
    client: Callable[[RunningService, Path, str | None], str | None],
    coin: str | None,
    paid: str,
) -> None:
    chain, coins = running_service.tempo_chain, (PATH_USD, ALPHA_USD)
    before = [chain.balance_of(SELLER.address, each) for each in coins]
    assert client(running_service, photo, coin) == paid
    after = [chain.balance_of(SELLER.address, each) for each in coins]
    assert [new - old for new, old in zip(after, before, strict=True)] == [PRICE * (each == paid) for each in coins]
