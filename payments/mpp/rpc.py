"""The chain's JSON-RPC over one or two URLs: bounded in time, and mute about them, which may hold an API key."""

import asyncio
import logging
from typing import Any

import httpx

from errors import RailUnavailable

logger = logging.getLogger(__name__)

_SILENT = "The payment chain does not answer. Nothing was charged."

Question = tuple[Any, ...]
"""A method and its parameters."""


class Rpc:
    """Asks the URL that answered last, then the other one; the client stays its owner's.

    Args:
        urls: the RPC URL and, where there is one, its fallback.
        timeout_s: for one call on one URL.
    """

    def __init__(self, urls: tuple[str, ...], client: httpx.AsyncClient, *, timeout_s: float) -> None:
        self._urls = urls
        self._client = client
        self._timeout_s = timeout_s

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL, the one that answered last first."""
        return self._urls

    async def call(self, method: str, *params: Any, timeout_s: float | None = None) -> Any:
        """The result of one call; raises as `ask` does."""
        return (await self.ask((method, *params), timeout_s=timeout_s))[0]

    async def ask(self, *questions: Question, timeout_s: float | None = None) -> list[Any]:
        """The results of calls made one after the other, all by one node: two may know different blocks.

        Args:
            timeout_s: for one call on one URL, if not as everywhere.

        Raises:
            RailUnavailable: on every URL no answer in time, an error, or not JSON-RPC.
        """
        for url in self._urls:
            try:
                answers = [await self._call(url, timeout_s or self._timeout_s, *question) for question in questions]
            except RailUnavailable:
                continue
            self._urls = (url, *(other for other in self._urls if other != url))
            return answers
        raise RailUnavailable(_SILENT)

    async def _call(self, url: str, timeout_s: float, method: str, *params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._client.post(url, json=request)
            return answer.raise_for_status().json()["result"]
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as exc:
            logger.warning("%s failed: %s", method, type(exc).__name__)
            raise RailUnavailable(_SILENT) from None
