"""A buyer's wallet: its own account on both chains, and the official SDKs."""

import base64
import json
from dataclasses import dataclass

import rlp  # type: ignore[import-untyped]  # ships no types
from eth_account import Account

from sandbox.chains import BaseChain, TempoChain
from sandbox.wallets import challenges, sign_mpp, sign_x402, sign_x402_v1
from tests.clients.purchase_client import Way
from tests.faults.client import Answer
from tests.payments.mpp.buyer import sign

FUNDS = 2_000_000_000  # base units: 2,000 dollars, forty thousand pictures
_MEMO = slice(68, 100)  # of the call's data: selector, recipient, amount, memo


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed payment: its header, and its ids on the chain and in the ledger."""

    headers: dict[str, str]
    key: str
    ledger_id: str


class Wallet:
    """Signs quotes for one account, which holds `FUNDS` on each chain from the start.

    Args:
        number: tells the accounts of one campaign apart. They are the same in every campaign: the chains are not.
        official_mpp: whether MPP payments are signed by the official client, which asks the node for gas and chain id
            with a TLS context of its own each time: 0.1 s of CPU. Otherwise tests/payments/mpp/buyer.py signs them.
    """

    def __init__(self, number: int, base: BaseChain, tempo: TempoChain, *, official_mpp: bool = True) -> None:
        self._official_mpp = official_mpp
        self._key = "0x" + (0xFA017 * 2**64 + number + 1).to_bytes(32).hex()
        self._tempo_url = tempo.rpc_url
        address = str(Account.from_key(self._key).address)
        base.fund(address, FUNDS)
        tempo.fund(address, FUNDS)

    async def sign(self, way: Way, quote: Answer) -> Signed:
        """Pay a 402 one way. Raises httpx.HTTPError when the wallet's own node does not answer."""
        if way == "mpp":
            return _mpp(await self._sign_mpp(quote.headers["www-authenticate"]))
        if way == "x402 v1":
            return _x402(sign_x402_v1(self._key, quote.body))
        return _x402(sign_x402(self._key, quote.headers["payment-required"]))

    async def _sign_mpp(self, www_authenticate: str) -> dict[str, str]:
        if self._official_mpp:
            return await sign_mpp(self._key, www_authenticate, self._tempo_url)
        first, *_ = challenges(www_authenticate)
        return {"Authorization": sign(first, key=self._key).to_authorization()}


def offers(quote: Answer, way: Way) -> bool:
    """Whether a 402 can be paid this way: a rail that is out is not quoted."""
    if way == "x402 v1":
        return bool(json.loads(quote.body).get("accepts"))
    return ("www-authenticate" if way == "mpp" else "payment-required") in quote.headers


def _x402(headers: dict[str, str]) -> Signed:
    [value] = headers.values()
    nonce = str(json.loads(base64.b64decode(value))["payload"]["authorization"]["nonce"]).lower()
    return Signed(headers, nonce, nonce)


def _mpp(headers: dict[str, str]) -> Signed:
    encoded = headers["Authorization"].partition(" ")[2]
    sent = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    transaction = rlp.decode(bytes.fromhex(sent["payload"]["signature"].removeprefix("0x"))[1:])
    [[_, _, call]] = transaction[4]
    return Signed(headers, "0x" + call[_MEMO].hex(), sent["challenge"]["id"])
