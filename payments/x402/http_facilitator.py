"""Settlement through a facilitator service over HTTP, whose responses are limited in size and time and not trusted."""

import asyncio
from dataclasses import dataclass
from typing import Literal, TypeVar

import httpx
from pydantic import ValidationError
from x402.http.facilitator_client_base import AuthHeaders
from x402.mechanisms.evm import is_valid_tx_hash
from x402.schemas import PaymentPayload, PaymentRequirements, SettleResponse, SupportedResponse, VerifyResponse

from errors import RailUnavailable
from payments.evm.node import MAX_CONNECTIONS
from payments.evm.question import JsonRpc
from payments.rail import Hold
from payments.x402 import refusals
from payments.x402.chain import refusal_of
from payments.x402.config import X402Config
from payments.x402.facilitator import FinalAt, InFlight, SettleAnswer
from payments.x402.facilitator_auth import credentials
from payments.x402.refusals import refusal, refusal_by_service, refuse
from payments.x402.requirements import NETWORKS, SCHEME_EXACT
from settings_types import required
from tracing import span

FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError)
"""The exceptions of a call without a response."""

MAX_ANSWER_BYTES = 262_144
"""Maximum size of a response; a list of everything that a service supports has some kilobytes."""

# A facilitator without a connection to its chain may also return these.
_UNCLEAR = frozenset({refusals.SIMULATION, refusals.UNREADABLE_SIGNATURE})
_BAD_REQUEST = frozenset({400, 402, 422})
_UNAUTHORIZED = frozenset({401, 403})
_NO_RESPONSE = "The payment facilitator does not respond."
_CANNOT_VERIFY = "The payment facilitator cannot verify the payment now."

M = TypeVar("M", VerifyResponse, SettleResponse, SupportedResponse)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes

    def read(self, model: type[M]) -> M | None:
        """The body as this model, with strict types ("true" is not a boolean), or None."""
        try:
            return model.model_validate_json(self.body, strict=True)
        except ValidationError:
            return None


class HttpFacilitator:
    """Verifies and settles by `POST {url}/verify` and `/settle` (x402 specification v2 §7).

    The SDK's client does not limit a response's size, follows redirects with our credentials, and raises the same error
    for every status but 200. So this class makes the calls, with the SDK's schemas and its interface for credentials.

    Args:
        config: URL, chain, time limits, and our credentials.
        rpc: our own node, asked if a response may mean that the facilitator has lost its chain.

    Raises:
        ValueError: the URL is missing, or a credential is not a valid key.
    """

    is_service = True

    def __init__(self, config: X402Config, *, rpc: JsonRpc) -> None:
        self._url = required(config.facilitator_url, "x402.facilitator_url, or x402.settlement_key or x402.signer_url,")
        self._network = NETWORKS[config.chain_id].caip2
        self._rpc = rpc
        self._auth = credentials(config)
        self._verify_timeout_s = config.verify_timeout_s
        self._settle_timeout_s = config.settle_timeout_s
        # A redirect would send our credentials and the payment to any host.
        self._http = httpx.AsyncClient(
            timeout=config.settle_timeout_s,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
        )

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        answer = await self._post("verify", payload, requirements, self._verify_timeout_s)
        if answer is None or answer.status not in {200, *_BAD_REQUEST}:
            raise RailUnavailable(_NO_RESPONSE)
        parsed = answer.read(VerifyResponse)
        if parsed is None:
            if answer.status == 200:
                raise RailUnavailable(_NO_RESPONSE)
            raise refuse(refusals.PAYLOAD)
        if not parsed.is_valid:
            await self._refuse(parsed.invalid_reason, payload, requirements)
        if answer.status != 200:
            raise RailUnavailable(_CANNOT_VERIFY)

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        answer = await self._post("settle", payload, requirements, self._settle_timeout_s)
        parsed = answer.read(SettleResponse) if answer else None
        if parsed is None:
            return SettleAnswer(is_unclear=True)
        named = parsed.transaction.lower() if is_valid_tx_hash(parsed.transaction) else None
        if parsed.success:
            return SettleAnswer(transaction=named if parsed.network == self._network else None)
        refused = refusal(parsed.error_reason, unclear=_UNCLEAR)
        return SettleAnswer(transaction=named, refusal=refused, is_unclear=refused is None)

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        return InFlight()  # only the facilitator knows whether it will still send the transaction

    async def sent(self, reference: str, transaction: str) -> bool | None:
        return None

    async def health(self) -> str | None:
        answer = await self._call("GET", "supported", {}, None)
        if answer is not None and answer.status in _UNAUTHORIZED:
            return "The payment facilitator does not accept our credentials."
        supported = answer.read(SupportedResponse) if answer else None
        if supported is None:
            return _NO_RESPONSE
        kinds = {(kind.x402_version, kind.scheme, kind.network) for kind in supported.kinds}
        if (2, SCHEME_EXACT, self._network) not in kinds:
            return f"The payment facilitator does not settle on {self._network}."
        return None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _refuse(self, reason: str | None, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Raise the error for a reason, or RailUnavailable if it may mean that the facilitator is out of service."""
        if reason in _UNCLEAR:
            code = await refusal_of(self._rpc, payload, requirements)
            refused = refuse(refusals.SIMULATION) if code else None
            raise refusal(code) or refused or RailUnavailable(_CANNOT_VERIFY)
        raise refusal_by_service(reason) or RailUnavailable(_CANNOT_VERIFY)

    async def _post(
        self,
        verb: Literal["verify", "settle"],
        payload: PaymentPayload,
        requirements: PaymentRequirements,
        limit_s: float,
    ) -> _Answer | None:
        body = {
            "x402Version": payload.x402_version,
            "paymentPayload": payload.model_dump(by_alias=True, exclude_none=True),
            "paymentRequirements": requirements.model_dump(by_alias=True, exclude_none=True),
        }
        return await self._call("POST", verb, body, limit_s)

    async def _call(
        self,
        method: str,
        verb: Literal["verify", "settle", "supported"],
        body: dict[str, object],
        limit_s: float | None,
    ) -> _Answer | None:
        """One request with limits. Returns None without a complete response within the limits."""
        headers = self._headers(verb)
        try:
            with span(f"facilitator {verb}", is_call=True):
                async with (
                    asyncio.timeout(limit_s),
                    self._http.stream(method, f"{self._url}/{verb}", json=body or None, headers=headers) as response,
                ):
                    return _Answer(response.status_code, await _bounded(response))
        except FAILURES:
            return None

    def _headers(self, verb: Literal["verify", "settle", "supported"]) -> dict[str, str]:
        given = self._auth.get_auth_headers() if self._auth else AuthHeaders()
        # A compressed response of a few bytes could expand to gigabytes.
        return {"Accept": "application/json", "Accept-Encoding": "identity", **getattr(given, verb)}


async def _bounded(response: httpx.Response) -> bytes:
    """The raw body without decompression. Raises httpx.DecodingError if it is too long."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError("the response is too long")
    return bytes(body)
