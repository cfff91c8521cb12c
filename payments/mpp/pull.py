"""The Tempo charge in pull mode only: the payer signs, and this service broadcasts when the work is done.

In push mode the money moves before the work, so a failed image would be charged. The SDK accepts both modes and
advertises neither, so its method definition is restricted here (draft-tempo-charge-00, `supportedModes`).
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
REMEMBERED = 64  # cached charges: at least as many as there are prices and currencies

PullPayload = TransactionCredentialPayload


class PullRequest(ChargeInput):
    """A charge whose wire format requests the signed transaction."""

    @model_serializer
    def _wire(self) -> dict[str, Any]:
        wire = ChargeInput._wire(self)
        return {**wire, "methodDetails": {**wire["methodDetails"], "supportedModes": ["pull"]}}


_DEFINITION = Method(name=METHOD, intent=INTENT, request_model=PullRequest, payload_model=PullPayload)


class NoopReplayStore:
    """A replay store for the SDK that accepts everything, because the ledger prevents replays.

    In the ledger, one holder at a time can settle a payment id, and each transaction hash exists once, over all workers
    and hosts and across restarts. A second check per process could only contradict it, and would keep every hash until
    the process ends: the SDK's default refuses every payment after the 10,000th.
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
    """The charge of a challenge in wire format; `amount` in dollars. The same for each quote at this price."""
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
    """The SDK's server methods, one for each currency, pull mode only; `confirmation_s` limits a broadcast."""
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
