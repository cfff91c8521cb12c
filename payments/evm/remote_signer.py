"""A signer elsewhere that holds the key, by JSON-RPC: Web3Signer, or another that answers `eth_signTransaction`.

Its answers are limited in size and time, and not trusted: what it returns must be exactly the transaction that was
asked for, signed by its account. Its URL may contain a key and its texts may contain anything, so only classes and
codes of errors are logged.
"""

import json
import logging
import time
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.http_exceptions import HttpProcessingError

from errors import RailUnavailable
from payments.evm.abi import UNREADABLE, checksummed, octets
from payments.evm.node import MAX_CONNECTIONS, bounded
from payments.evm.transaction_signer import Call, is_signed, transaction_hash
from tracing import span

FRESH_S = 10.0
"""A signature that is at most this old shows that the signer works."""
MAX_ANSWER_BYTES = 262_144

SILENT = "The signer of the settlement account does not respond."
REFUSES = "The signer of the settlement account refuses to sign."
WRONG = "The signer of the settlement account returns something else than what it was asked to sign."

_METHOD = "eth_signTransaction"
_FAILURES = (ClientError, HttpProcessingError, OSError, *UNREADABLE)
_UNAUTHORIZED = frozenset({401, 403})
_PLAIN_GAS = 21_000
_LAST_NONCE = 2**64 - 2  # EIP-2681
logger = logging.getLogger(__name__)


class _Refused(Exception):
    """The signer answers that it does not sign; the text is for the log."""


class RemoteSigner:
    """`TransactionSigner` over HTTP.

    Args:
        address: the account it signs for.
        chain_id: of the chain, for `check`.
        token: sent as `Authorization: Bearer …`.
        timeout_s: for one signature.
    """

    def __init__(self, url: str, address: str, *, chain_id: int, token: str | None, timeout_s: float) -> None:
        self._url = url
        self._address = checksummed(address)
        # No chain can include it: no account gets to this nonce, and no block has a base fee of 0.
        self._probe = Call(chain_id, _LAST_NONCE, self._address, "0x", 0, 0, _PLAIN_GAS)
        self._headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            **({} if token is None else {"Authorization": f"Bearer {token}"}),
        }
        self._timeout = ClientTimeout(total=timeout_s)
        self._signed_at = float("-inf")
        self._hangs = False
        self._session: ClientSession | None = None
        self._is_closed = False

    @property
    def address(self) -> str:
        return self._address

    async def sign(self, call: Call) -> tuple[str, bytes]:
        """After a time-out it is not asked again before `check` has found that it works: settlements wait for one
        another meanwhile, and must not wait for one time-out each."""
        if self._hangs:
            raise RailUnavailable(SILENT)
        return await self._sign(call)

    async def check(self) -> None:
        """Has an empty transaction signed that no chain can include, unless a signature was returned lately: this also
        finds another account, another chain, and a refusing policy."""
        if time.monotonic() - self._signed_at > FRESH_S:
            await self._sign(self._probe)

    async def aclose(self) -> None:
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def _sign(self, call: Call) -> tuple[str, bytes]:
        fields = call.fields()
        try:
            raw = await self._ask(_parameters(call, self._address))
        except _Refused as refusal:
            raise self._failed(REFUSES, str(refusal)) from None
        except _FAILURES as error:
            self._hangs |= isinstance(error, TimeoutError)
            raise self._failed(SILENT, type(error).__name__) from None
        if not is_signed(raw, fields, self._address):
            raise self._failed(WRONG, "not the transaction that was asked for, signed by the account")
        self._signed_at, self._hangs = time.monotonic(), False
        return transaction_hash(raw), raw

    def _failed(self, sentence: str, reason: str) -> RailUnavailable:
        self._signed_at = float("-inf")
        logger.warning("%s failed: %s", _METHOD, reason)
        return RailUnavailable(sentence)

    async def _ask(self, parameters: dict[str, str]) -> bytes:
        request = {"jsonrpc": "2.0", "id": 1, "method": _METHOD, "params": [parameters]}
        with span(_METHOD, is_call=True):
            async with self._open().post(
                self._url, data=json.dumps(request), headers=self._headers, allow_redirects=False
            ) as response:
                if response.status in _UNAUTHORIZED:
                    raise _Refused(f"HTTP status {response.status}")
                return _raw(json.loads(await bounded(response, MAX_ANSWER_BYTES)))

    def _open(self) -> ClientSession:
        """The session, created by the first call in its event loop."""
        if self._is_closed:
            raise RailUnavailable("The connection to the signer is closed: the service is stopping.")
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=MAX_CONNECTIONS),
                timeout=self._timeout,
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,  # a compressed answer of a few bytes could expand to gigabytes
            )
        return self._session


def _parameters(call: Call, sender: str) -> dict[str, str]:
    """The transaction object of the execution API. Web3Signer takes the chain id from its own settings instead."""
    numbers = {
        "nonce": call.nonce,
        "gas": call.gas_limit,
        "maxFeePerGas": call.max_fee,
        "maxPriorityFeePerGas": call.max_tip,
        "value": 0,
        "chainId": call.chain_id,
    }
    return {"from": sender, "to": call.to, "data": call.data} | {name: hex(each) for name, each in numbers.items()}


def _raw(answer: Any) -> bytes:
    """The signed transaction: hex (Web3Signer, anvil), or an object with it as `raw` (geth)."""
    if answer.get("error") is not None:
        raise _Refused(f"JSON-RPC error {int(answer['error']['code'])}")
    result = answer["result"]
    return octets(result["raw"] if isinstance(result, dict) else result)
