"""How simulated clients send requests, and what counts as served."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locust.contrib.fasthttp import FastHttpSession

from loadtests.pictures import Pictures
from loadtests.recorder import Recorder
from loadtests.wallet import Wallet

PATH = "/v1/remove-background"
SHED = ", shed"
"""End of the class of a request that was refused for lack of capacity, before any money moved."""

CAPACITY = (429, 503)
TOO_LATE = "deadline_unreachable"
"""402: the payment would expire before its turn."""


def from_somewhere() -> dict[str, str]:
    """A header that makes a request come from one of 131,072 addresses (198.18.0.0/15, RFC 2544's for benchmarks).

    One address is quoted 30 prices a minute, and that limit is not what is measured here. The sandbox believes this
    header from the loopback address; other services do so only behind a proxy that they trust.
    """
    high, middle, low = random.choice((18, 19)), random.randrange(256), random.randrange(256)  # noqa: S311 - no secret
    return {"X-Forwarded-For": f"198.{high}.{middle}.{low}"}


@dataclass(frozen=True)
class Client:
    """What every kind of client has: a connection, pictures, a wallet, and where it records.

    Attributes:
        url: the service, for those that speak HTTP themselves.
        wallet: None where nobody signs.
        patience_s: for how long a payment is sent again that was refused for lack of capacity.
    """

    session: FastHttpSession
    url: str
    pictures: Pictures
    wallet: Wallet | None
    recorder: Recorder
    patience_s: float

    def post(self, name: str, body: bytes, headers: Mapping[str, str], *, expected: tuple[int, ...]) -> Any:
        """Send one request and record it: as served with an expected status, as shed, or as failed."""
        headers = {"Content-Type": "image/jpeg", **from_somewhere(), **headers}
        with self.session.post(PATH, data=body, headers=headers, name=name, catch_response=True) as answer:  # type: ignore[arg-type]  # bytes are taken, only not declared
            self._judge(answer, name, expected)
        return answer

    def get(self, path: str, name: str) -> None:
        """Read one of the public pages."""
        with self.session.get(path, headers=from_somewhere(), name=name, catch_response=True) as answer:
            self._judge(answer, name, (200,))

    @staticmethod
    def _judge(answer: Any, name: str, expected: tuple[int, ...]) -> None:
        if answer.status_code in expected:
            answer.success()
        elif is_shed(answer):
            answer.request_meta["name"] = name + SHED
            answer.success()
        else:
            told = answer.text if answer.status_code else repr(answer.error)  # 0: no answer at all
            answer.failure(f"{answer.status_code} instead of {expected[0]}: {told}")


def is_shed(answer: Any) -> bool:
    """Whether an answer says: no capacity, come again later, and this payment has not moved."""
    said = problem(answer)
    if said.get("charged") is not False:
        return False
    return said.get("code") == TOO_LATE or (answer.status_code in CAPACITY and bool(answer.headers.get("Retry-After")))


def problem(answer: Any) -> dict[str, Any]:
    """The problem document of an answer (RFC 9457); empty without one."""
    try:
        found = answer.json()
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
