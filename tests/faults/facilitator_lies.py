"""False responses of a facilitator: that money moved, or that none did."""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any

LATE_S = 3.0
"""How long after a refusal the payment is settled nevertheless."""


class Lie(StrEnum):
    """Untrue answers; the first six to `/settle`, the others to `/verify`."""

    INVENTED_HASH = "success with an invented hash, nothing sent"
    OTHER_NETWORK = "success with another network, nothing sent"
    OTHER_HASH = "settled, and success with another transaction's hash"
    REFUSED_THEN_SETTLED = "success:false, settled 3 s later"
    BAD_REQUEST = "HTTP 400, nothing sent"
    HTML = "HTML with status 200, nothing sent"
    VERIFY_400 = "/verify answers 400"
    VERIFY_UNKNOWN = "/verify refuses with an unknown code"
    VERIFY_BALANCE = "/verify refuses a good payment for its balance"


SETTLE_LIES = (
    Lie.INVENTED_HASH,
    Lie.OTHER_NETWORK,
    Lie.OTHER_HASH,
    Lie.REFUSED_THEN_SETTLED,
    Lie.BAD_REQUEST,
    Lie.HTML,
)
VERIFY_LIES = (Lie.VERIFY_400, Lie.VERIFY_UNKNOWN, Lie.VERIFY_BALANCE)

_NETWORK, _OTHER_NETWORK = "eip155:84532", "eip155:1"
_REFUSALS = ("insufficient_funds", "invalid_transaction_state")


@dataclass(frozen=True, slots=True)
class Told:
    """One untrue answer. `forward`: whether the facilitator gets the request, and when."""

    status: int
    body: bytes
    forward: bool = False
    forward_after_s: float = 0.0


def lies_for(path: str) -> tuple[Lie, ...]:
    """The lies that fit a path of the facilitator's API; none for `/supported`."""
    return {"/settle": SETTLE_LIES, "/verify": VERIFY_LIES}.get(path.rstrip("/"), ())


def tell(lie: Lie, random: Random) -> Told:
    """The answer of a lie."""
    if lie is Lie.INVENTED_HASH:
        return _said(_success(random, _NETWORK))
    if lie is Lie.OTHER_NETWORK:
        return _said(_success(random, _OTHER_NETWORK))
    if lie is Lie.OTHER_HASH:
        return replace(_said(_success(random, _NETWORK)), forward=True)
    if lie is Lie.REFUSED_THEN_SETTLED:
        refused = {"success": False, "errorReason": random.choice(_REFUSALS), "transaction": "", "network": ""}
        return replace(_said(refused), forward=True, forward_after_s=LATE_S)
    return _FIXED[lie]


def _said(members: dict[str, Any]) -> Told:
    return Told(200, json.dumps(members).encode())


def _success(random: Random, network: str) -> dict[str, Any]:
    return {"success": True, "transaction": f"0x{random.randbytes(32).hex()}", "network": network, "payer": ""}


_FIXED = {
    Lie.BAD_REQUEST: Told(400, b'{"error": "bad request"}'),
    Lie.HTML: Told(200, b"<html><body>Sign in</body></html>"),
    Lie.VERIFY_400: Told(400, b'{"isValid": false, "invalidReason": "invalid_payload"}'),
    Lie.VERIFY_UNKNOWN: _said({"isValid": False, "invalidReason": "policy_17_not_met"}),
    Lie.VERIFY_BALANCE: _said({"isValid": False, "invalidReason": "insufficient_balance"}),
}
