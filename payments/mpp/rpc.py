"""The chain's JSON-RPC over one or two URLs: bounded in time, on the right chain, and silent about the URLs, which may
hold an API key."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import httpx

from errors import RailUnavailable

logger = logging.getLogger(__name__)

_SILENT = "The payment chain does not answer. Nothing was charged."

Question = tuple[Any, ...]
"""A method and its parameters."""


@dataclass(frozen=True, slots=True)
class NodeError:
    """A JSON-RPC error in place of a result. Its text is not public: it may hold anything."""

    code: int
    message: str


class Rpc:
    """Asks the URL that answered last, then the other one; the client stays its owner's.

    A URL is asked nothing before it has said that it is on the right chain.

    Args:
        urls: the RPC URL and, where there is one, its fallback.
        chain_id: the chain that all of them must be on.
        timeout_s: for one call on one URL.
    """

    def __init__(self, urls: tuple[str, ...], client: httpx.AsyncClient, *, chain_id: int, timeout_s: float) -> None:
        self._urls = urls
        self._client = client
        self._chain_id = chain_id
        self._timeout_s = timeout_s
        self._checked: set[str] = set()

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL, the one that answered last first."""
        return self._urls

    async def call(self, method: str, *params: Any) -> Any:
        """The result of one call; raises as `ask` does."""
        return (await self.ask((method, *params)))[0]

    async def ask(self, *questions: Question) -> list[Any]:
        """The results of calls made at the same time, all by one node: two may know different blocks.

        Raises:
            RailUnavailable: on every URL no answer in time, an error, or not JSON-RPC.
        """
        for url in self._urls:
            with suppress(RailUnavailable):
                answers = await self.ask_at(url, *questions)
                self.prefer(url)
                return answers
        raise RailUnavailable(_SILENT)

    async def ask_at(self, url: str, *questions: Question) -> list[Any]:
        """The same of one URL. Raises RailUnavailable."""
        answers = await self.answers_at(url, *questions)
        if any(isinstance(answer, NodeError) for answer in answers):
            raise RailUnavailable(_SILENT)
        return answers

    async def answers_at(self, url: str, *questions: Question) -> list[Any]:
        """The results of one URL, with a `NodeError` in place of a result where the node gave an error.

        Raises:
            RailUnavailable: no answer in time, not JSON-RPC, or of another chain.
        """
        if url not in self._checked:
            await self.check(url)
        return await asyncio.gather(*(self._call(url, self._timeout_s, *question) for question in questions))

    def prefer(self, url: str) -> None:
        """Ask this URL first from now on."""
        self._urls = (url, *(other for other in self._urls if other != url))

    async def check(self, url: str, *, timeout_s: float | None = None) -> None:
        """Ask a URL for its chain. Raises RailUnavailable when it does not answer, WrongChain when it is another."""
        answer = await self._call(url, timeout_s or self._timeout_s, "eth_chainId")
        if answer != hex(self._chain_id):
            self._checked.discard(url)
            raise RailUnavailable(_SILENT) if isinstance(answer, NodeError) else WrongChain()
        self._checked.add(url)

    async def _call(self, url: str, timeout_s: float, method: str, *params: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._client.post(_read(url), json=request)
            return _result(method, answer.raise_for_status().json())
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as exc:
            logger.warning("%s failed: %s", method, type(exc).__name__)
            raise RailUnavailable(_SILENT) from None


@lru_cache
def _read(url: str) -> httpx.URL:
    """Reading a URL costs as much as the rest of a request."""
    return httpx.URL(url)


class WrongChain(RailUnavailable):
    """A URL leads to another chain than the one that is configured."""

    def __init__(self) -> None:
        super().__init__(_SILENT)


def _result(method: str, answer: Any) -> Any:
    if "error" in answer:
        logger.warning("%s failed: JSON-RPC error %s", method, answer["error"]["code"])
        return NodeError(int(answer["error"]["code"]), str(answer["error"]["message"]))
    return answer["result"]
