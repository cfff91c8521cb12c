"""The simulated clients: one file each."""

import random
from typing import Any

PATH = "/v1/remove-background"


def from_somewhere() -> dict[str, str]:
    """A header that makes a request come from one of 131,072 addresses (198.18.0.0/15, RFC 2544's for benchmarks).

    One address is quoted 30 prices a minute, and that limit is not what is measured here. The sandbox believes this
    header from the loopback address; other services do so only behind a proxy that they trust.
    """
    high, middle, low = random.choice((18, 19)), random.randrange(256), random.randrange(256)  # noqa: S311 - no secret
    return {"X-Forwarded-For": f"198.{high}.{middle}.{low}"}


def judge(answer: Any, expected: int) -> None:
    """Count an answer (in locust's `catch_response`) as served when it has the expected status."""
    if answer.status_code == expected:
        answer.success()
    else:
        answer.failure(f"{answer.status_code} instead of {expected}: {answer.text}")
