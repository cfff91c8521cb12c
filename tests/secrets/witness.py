"""A buyer who keeps everything: what was signed, and what came back."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from secrets import token_hex

import httpx
import mpp
from eth_account import Account

from sandbox.accounts import BUYER, SELLER
from sandbox.wallets import sign_mpp, sign_x402
from tests.clients.purchase_client import PurchaseClient, Way
from tests.fakes.serving import TRUST
from tests.running_service import RunningService
from tests.secrets.marks import SECRETS, found

_numbers = count(1)


class Witness:
    """Buys from a service, every time from another address.

    Attributes:
        codes: of the problems that were answered.
        parties: accounts of payers and recipients, as 40 hex digits.
    """

    def __init__(self, service: RunningService, client: httpx.AsyncClient) -> None:
        self.codes: set[str] = set()
        self.parties = {_digits(account.address) for account in (BUYER, SELLER)}
        self._service = service
        self._client = client
        self._answers: list[str] = []
        self._payments: list[str] = []

    def buyer_for(self, way: Way) -> PurchaseClient:
        number = next(_numbers)
        return PurchaseClient(self._service, self._client, way, f"10.30.{number // 256}.{number % 256}")

    async def sign(self, way: Way, picture: bytes = b"") -> dict[str, str]:
        """A payment for any picture."""
        payment = await self.buyer_for(way).sign(picture)
        self._payments += _parts(payment)
        return payment

    async def sign_unfunded(self, way: Way) -> dict[str, str]:
        """A payment from an empty purse."""
        key = "0x" + token_hex(32)
        self.parties.add(_digits(Account.from_key(key).address))
        quote = await self.buyer_for(way).post(b"", {})
        if way == "mpp":
            rpc_url = self._service.tempo_chain.rpc_url
            payment = await sign_mpp(key, quote.headers["WWW-Authenticate"], rpc_url)
        else:
            payment = sign_x402(key, quote.headers["PAYMENT-REQUIRED"])
        self._payments += _parts(payment)
        return payment

    async def send(self, way: Way, picture: bytes, payment: dict[str, str], parameters: str = "") -> httpx.Response:
        return await self.buyer_for(way).post(picture, payment, parameters)

    async def send_until_sold(self, way: Way, picture: bytes, payment: dict[str, str]) -> httpx.Response:
        """The picture's answer; on a busy machine a timeout or two come before it."""
        return await self._send_until(lambda answer: answer.status_code == 200, way, picture, payment)

    async def send_until_verified(self, way: Way, picture: bytes, payment: dict[str, str]) -> httpx.Response:
        """The answer of a sale that came to its work; on a busy machine the rail, or the queue, may not be ready."""
        return await self._send_until(
            lambda answer: answer.status_code == 200 or answer.json()["code"] not in {"rail_unavailable", "overloaded"},
            way,
            picture,
            payment,
        )

    async def buy_all(
        self, ways: tuple[Way, ...], picture: bytes, before: Callable[[], None] = lambda: None
    ) -> list[httpx.Response]:
        """At the same time; everything is signed while the rails are well, and `before` comes before it is sent."""
        payments = await self.sign_all(ways)
        before()
        sales = (self.send(way, picture, payment) for way, payment in zip(ways, payments, strict=True))
        return await asyncio.gather(*sales)

    async def sign_all(self, ways: tuple[Way, ...]) -> list[dict[str, str]]:
        """A payment for each way, once the rails are well."""
        await self.until_well()
        return await asyncio.gather(*(self.sign(way) for way in ways))

    async def until_well(self) -> None:
        """Wait until every rail is quoted: one that is out is not."""
        for _ in range(100):
            said = (await self.get("/readyz")).text
            if '"rails":{"x402":"ok","mpp":"ok"}' in said:
                return
            await asyncio.sleep(0.25)
        raise AssertionError(said)

    async def get(self, path: str, method: str = "GET") -> httpx.Response:
        return await self._client.request(method, self._service.url + path)

    async def remember(self, answer: httpx.Response) -> None:
        """Keep an answer; of a picture only the header fields."""
        await answer.aread()
        kind = answer.headers.get("Content-Type", "")
        body = "" if kind.startswith("image/") else answer.text
        self._answers.append(f"{answer.status_code} {answer.headers.multi_items()} {body}")
        if kind == "application/problem+json":
            self.codes.add(answer.json()["code"])

    def leaks(self, *files: Path) -> list[str]:
        """Every line of the log, of an answer or of a file that holds a secret of the operator, or a payment; and every
        line of the log that names a payer or a recipient, in either case."""
        log = self._service.log_path.read_text().splitlines()
        named = [line for line in log if any(party in line.lower() for party in self.parties)]
        return named + self._secrets_in([*self._answers, *log], files)

    async def _send_until(
        self, enough: Callable[[httpx.Response], bool], way: Way, picture: bytes, payment: dict[str, str]
    ) -> httpx.Response:
        for _ in range(20):
            answer = await self.send(way, picture, payment)
            if enough(answer):
                return answer
            await asyncio.sleep(0.5)
        raise AssertionError(answer.text)

    def _secrets_in(self, lines: list[str], files: tuple[Path, ...]) -> list[str]:
        lines += [line for file in files for line in file.read_text("latin-1").splitlines()]
        leaked = found("\n".join(lines), (*SECRETS, *self._payments))
        return [line for line in lines if found(line, leaked)]


@asynccontextmanager
async def witness(service: RunningService) -> AsyncIterator[Witness]:
    """A witness whose connections end with the block."""
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
        one = Witness(service, client)
        client.event_hooks = {"response": [one.remember]}
        yield one


def _digits(address: str) -> str:
    return address.removeprefix("0x").lower()


def _parts(payment: dict[str, str]) -> Iterator[str]:
    """The header's value and the signature in it."""
    [(name, value)] = payment.items()
    yield value.removeprefix("Payment ")
    if name == "Authorization":
        yield mpp.Credential.from_authorization(value).payload["signature"].removeprefix("0x")
    else:
        yield json.loads(b64decode(value))["payload"]["signature"].removeprefix("0x")
