"""The service as a whole, over HTTP, with two API workers and one runner."""

import httpx

from tests.running_service import RunningService


def test_it_is_ready(running_service: RunningService) -> None:
    assert httpx.get(f"{running_service.url}/readyz").json()["ready"]
