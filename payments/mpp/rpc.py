"""The chain's JSON-RPC: bounded in time, and mute about the URL, which may hold the operator's API key."""

import asyncio
import logging
from typing import Any

import httpx

from errors import RailUnavailable

logger = logging.getLogger(__name__)


class Rpc:
    """Asks one URL, `timeout_s` seconds at most for a call; the client stays its owner's."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, timeout_s: float) -> None:
        self._url = url
        self._client = client
        self._timeout_s = timeout_s

    async def call(self, method: str, *params: Any) -> Any:
        """The result of one call.

        Raises:
            RailUnavailable: no answer in time, an error, or not JSON-RPC.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.post(self._url, json=request)
            return answer.raise_for_status().json()["result"]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as exc:
            logger.warning("%s failed: %s", method, type(exc).__name__)
            raise RailUnavailable("The payment chain does not answer. Nothing was charged.") from None
