"""Settling through a facilitator service over HTTP, whose answers are bounded in size and time and not believed."""

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
from settings_types.section import required

FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError)
"""What a call that gives no answer raises."""

MAX_ANSWER_BYTES = 262_144
"""The longest answer that is read: a list of everything that a service supports has some kilobytes."""

# A facilitator that lost its chain answers these, too.
_UNCLEAR = frozenset({refusals.SIMULATION, refusals.UNREADABLE_SIGNATURE})
_BAD_REQUEST = frozenset({400, 402, 422})
_REFUSED_US = frozenset({401, 403})
_OUT = "The payment facilitator does not answer."
_UNSURE = "The payment facilitator cannot judge the payment now."

M = TypeVar("M", VerifyResponse, SettleResponse, SupportedResponse)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes

    def read(self, model: type[M]) -> M | None:
        """The body as this model, every value of its own type ("true" is not a boolean), or None."""
        try:
            return model.model_validate_json(self.body, strict=True)
        except ValidationError:
            return None


class HttpFacilitator:
    """Verifies and settles by `POST {url}/verify` and `/settle` (x402 specification v2 §7).

    The SDK's own client keeps no bound on an answer's size, follows redirects with our credentials, and makes one
    error of every status but 200; so the calls are made here, with the SDK's schemas and its interface for credentials.

    Args:
        config: URL, chain, time limits, and our credentials.
        rpc: our own view of the chain, asked where an answer can also mean that the service has lost its chain.

    Raises:
        ValueError: there is no URL, or a credential is no key.
    """

    is_service = True

    def __init__(self, config: X402Config, *, rpc: JsonRpc) -> None:
        self._url = required(config.facilitator_url, "x402.facilitator_url, or x402.settlement_key,")
        self._network = NETWORKS[config.chain_id].caip2
        self._rpc = rpc
        self._auth = credentials(config)
        self._verify_timeout_s = config.verify_timeout_s
        self._settle_timeout_s = config.settle_timeout_s
        # A redirect would carry our credentials and the payment to whoever the answer names.
        self._http = httpx.AsyncClient(
            timeout=config.settle_timeout_s,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
        )

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        answer = await self._post("verify", payload, requirements, self._verify_timeout_s)
        if answer is None or answer.status not in {200, *_BAD_REQUEST}:
            raise RailUnavailable(_OUT)
        said = answer.read(VerifyResponse)
        if said is None:
            if answer.status == 200:
                raise RailUnavailable(_OUT)
            raise refuse(refusals.PAYLOAD)
        if not said.is_valid:
            await self._refuse(said.invalid_reason, payload, requirements)
        if answer.status != 200:
            raise RailUnavailable(_UNSURE)

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, hold: Hold
    ) -> SettleAnswer:
        answer = await self._post("settle", payload, requirements, self._settle_timeout_s)
        said = answer.read(SettleResponse) if answer else None
        if said is None:
            return SettleAnswer(is_unclear=True)
        named = said.transaction.lower() if is_valid_tx_hash(said.transaction) else None
        if said.success:
            return SettleAnswer(transaction=named if said.network == self._network else None)
        refused = refusal(said.error_reason, unclear=_UNCLEAR)
        return SettleAnswer(transaction=named, refusal=refused, is_unclear=refused is None)

    async def progress(self, reference: str, node: JsonRpc) -> InFlight | FinalAt:
        return InFlight()  # only the facilitator knows whether it will still send it

    async def sent(self, reference: str, transaction: str) -> bool | None:
        return None

    async def health(self) -> str | None:
        answer = await self._call("GET", "supported", {}, None)
        if answer is not None and answer.status in _REFUSED_US:
            return "The payment facilitator does not accept our credentials."
        supported = answer.read(SupportedResponse) if answer else None
        if supported is None:
            return _OUT
        kinds = {(kind.x402_version, kind.scheme, kind.network) for kind in supported.kinds}
        if (2, SCHEME_EXACT, self._network) not in kinds:
            return f"The payment facilitator does not settle on {self._network}."
        return None

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _refuse(self, reason: str | None, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        """Raises the refusal that a reason stands for, or RailUnavailable where it can mean that the service is out."""
        if reason in _UNCLEAR:
            code = await refusal_of(self._rpc, payload, requirements)
            refused = refuse(refusals.SIMULATION) if code else None
            raise refusal(code) or refused or RailUnavailable(_UNSURE)
        raise refusal_by_service(reason) or RailUnavailable(_UNSURE)

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
        """One bounded exchange; None when there was no whole answer within bounds and time."""
        headers = self._headers(verb)
        try:
            async with (
                asyncio.timeout(limit_s),
                self._http.stream(method, f"{self._url}/{verb}", json=body or None, headers=headers) as response,
            ):
                return _Answer(response.status_code, await _bounded(response))
        except FAILURES:
            return None

    def _headers(self, verb: Literal["verify", "settle", "supported"]) -> dict[str, str]:
        given = self._auth.get_auth_headers() if self._auth else AuthHeaders()
        # Compressed, a few bytes could unfold to gigabytes.
        return {"Accept": "application/json", "Accept-Encoding": "identity", **getattr(given, verb)}


async def _bounded(response: httpx.Response) -> bytes:
    """The body as it comes from the line, never unfolded; raises httpx.DecodingError when it is too long."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError("the answer is too long")
    return bytes(body)
