"""Settling through a facilitator service, by the SDK's client under our timeouts."""

import asyncio

import httpx
from x402.http import FacilitatorConfig, HTTPFacilitatorClient
from x402.mechanisms.evm import is_valid_tx_hash
from x402.schemas import PaymentPayload, PaymentRequirements, SupportedResponse

from errors import PaymentOutcomeUnknown, RailUnavailable
from payments.x402 import refusals
from payments.x402.refusals import refusal
from payments.x402.requirements import SCHEME_EXACT

# A facilitator that lost its chain answers these, too.
_UNCLEAR = frozenset({refusals.SIMULATION, refusals.UNREADABLE_SIGNATURE})
# The client raises ValueError for a status other than 200 and for an answer it cannot read.
_FAILURES = (httpx.HTTPError, ValueError, TimeoutError)
_OUT = "The payment facilitator does not answer."


class HttpFacilitator:
    """Verifies and settles by `POST {url}/verify` and `/settle` (x402 specification v2 §7).

    Args:
        network: CAIP-2 name of the chain it must settle on.

    Raises:
        ValueError: not an http(s) URL.
    """

    def __init__(self, url: str, *, network: str, verify_timeout_s: float, settle_timeout_s: float) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError("the x402 facilitator URL starts with neither https:// nor http://")
        self._supported_url = f"{url.rstrip('/')}/supported"
        self._network = network
        self._verify_timeout_s = verify_timeout_s
        self._settle_timeout_s = settle_timeout_s
        self._http = httpx.AsyncClient(timeout=settle_timeout_s, follow_redirects=True)
        self._client = HTTPFacilitatorClient(FacilitatorConfig(url=url, http_client=self._http))

    async def verify(self, payload: PaymentPayload, requirements: PaymentRequirements) -> None:
        try:
            async with asyncio.timeout(self._verify_timeout_s):
                answer = await self._client.verify(payload, requirements)
        except _FAILURES:
            raise RailUnavailable(f"{_OUT} Nothing was charged; send the same request again.") from None
        if not answer.is_valid:
            raise refusal(answer.invalid_reason, unclear=_UNCLEAR) or RailUnavailable(
                "The payment facilitator cannot judge the payment now. Nothing was charged."
            )

    async def settle(
        self, payload: PaymentPayload, requirements: PaymentRequirements, *, reference: str, not_after: float
    ) -> str:
        try:
            async with asyncio.timeout(self._settle_timeout_s):
                answer = await self._client.settle(payload, requirements)
        except _FAILURES:
            raise PaymentOutcomeUnknown() from None
        if answer.success and is_valid_tx_hash(answer.transaction):
            return answer.transaction.lower()
        if answer.success or answer.transaction:
            raise PaymentOutcomeUnknown()
        raise refusal(answer.error_reason, unclear=_UNCLEAR) or PaymentOutcomeUnknown()

    async def done_by(self, reference: str) -> int | None:
        return None  # only the facilitator knows whether it will still send it

    async def health(self) -> str | None:
        try:
            answer = await self._http.get(self._supported_url)
            supported = SupportedResponse.model_validate_json(answer.raise_for_status().content)
        except _FAILURES:
            return _OUT
        kinds = {(kind.x402_version, kind.scheme, kind.network) for kind in supported.kinds}
        if (2, SCHEME_EXACT, self._network) not in kinds:
            return f"The payment facilitator does not settle on {self._network}."
        return None

    async def aclose(self) -> None:
        await self._http.aclose()
