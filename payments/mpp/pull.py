"""The Tempo charge in pull mode only: the payer signs, and we broadcast when the work is done.

In push mode the payer's money moves before the work, and a failed picture would be a charged one. The SDK takes both
modes and advertises neither, so its method definition is narrowed here (draft-tempo-charge-00, `supportedModes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import httpx
from mpp.methods import Method
from mpp.methods.tempo import server as tempo
from mpp.methods.tempo.schemas import ChargeInput, TransactionCredentialPayload
from mpp.server.method import ServerMethod
from pydantic import model_serializer

METHOD, INTENT = "tempo", "charge"
DECIMALS = 6  # of every TIP-20 token
REMEMBERED = 64  # what challenges ask for: as many as there are prices and currencies

PullPayload = TransactionCredentialPayload


class PullRequest(ChargeInput):
    """A charge whose wire form says that the signed transaction is wanted."""

    @model_serializer
    def _wire(self) -> dict[str, Any]:
        wire = ChargeInput._wire(self)
        return {**wire, "methodDetails": {**wire["methodDetails"], "supportedModes": ["pull"]}}


_DEFINITION = Method(name=METHOD, intent=INTENT, request_model=PullRequest, payload_model=PullPayload)


class NoopReplayStore:
    """The SDK's replay store, granting everything: the ledger is the guard.

    The ledger lets one holder at a time settle a payment id and knows each transaction hash once, over all workers and
    hosts and across restarts. A second guard per process could only differ from it, and would remember every hash until
    the process ends: the SDK's default refuses every payment after its 10,000th.
    """

    async def get(self, key: str) -> None:
        return None

    async def put(self, key: str, value: Any) -> None:
        return None

    async def delete(self, key: str) -> None:
        return None

    async def put_if_absent(self, key: str, value: Any) -> bool:
        return True


@lru_cache(REMEMBERED)
def charge_request(*, amount: str, currency: str, recipient: str, chain_id: int) -> Mapping[str, Any]:
    """What a challenge asks for, as it is on the wire; `amount` in dollars. The same for each quote at this price."""
    return _DEFINITION.normalize_request(
        {
            "amount": amount,
            "currency": currency,
            "recipient": recipient,
            "chain_id": chain_id,
            "decimals": DECIMALS,
        }
    )


def pull_charge(
    *,
    recipient: str,
    currencies: Sequence[str],
    chain_id: int,
    rpc_url: str,
    client: httpx.AsyncClient,
    confirmation_s: float,
) -> list[ServerMethod]:
    """The SDK's server methods, one for each currency, pull mode only; `confirmation_s` bounds one broadcast."""
    methods = tempo.charge(
        recipient=recipient,
        currencies=currencies,
        decimals=DECIMALS,
        chain_id=chain_id,
        rpc_url=rpc_url,
        http_client=client,
        confirmation_timeout=confirmation_s,
        store=NoopReplayStore(),
    )
    return [replace(method, method=_DEFINITION) for method in methods]
