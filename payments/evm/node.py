"""One URL of a chain: JSON-RPC over persistent connections, with a time limit.

The URL may contain a key, and the errors of aiohttp quote it. So they do not leave this file, and only their class is
logged.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, TraceConfig
from aiohttp.http_exceptions import HttpProcessingError

from errors import RailUnavailable
from payments.evm.abi import UNREADABLE, number
from payments.evm.question import JsonRpcError, Question, Reverted
from tracing import span

logger = logging.getLogger(__name__)
T = TypeVar("T")

FAILURES = (ClientError, HttpProcessingError, OSError, *UNREADABLE)
"""Exceptions of a call without a valid response: from aiohttp, from the system, and from parsing the response."""

SILENT = "The payment chain does not respond. Nothing was charged."
_HEADERS = {"Content-Type": "application/json"}
MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Maximum size of a response; the logs of many blocks have some megabytes at most."""
MAX_CONNECTIONS = 32
"""Maximum connections to one node; further calls wait. Many payments at once, each of which asks the chain, must not
use up the process's file descriptors."""

CHAIN_ID = Question("eth_chainId", (), number)


class WrongChain(RailUnavailable):
    """The URL leads to another chain than the configured one."""

    def __init__(self) -> None:
        super().__init__(SILENT)


class Node:
    """One URL. Its chain id is checked before the first call, and again after each new connection and each failure,
    because the URL may then lead to another node.

    Args:
        place: 1 for the first URL of the settings, 2 for its fallback.
        timeout_s: for one call.

    Attributes:
        other_chain: the wrong chain id that the last check found; None if it found the right one.
    """

    def __init__(self, url: str, place: int, *, chain_id: int, timeout_s: float) -> None:
        self.url = url
        self.other_chain: int | None = None
        self._place = place
        self._chain_id = chain_id
        self._timeout = ClientTimeout(total=timeout_s)
        self._is_checked = False
        self._session: ClientSession | None = None
        self._is_closed = False

    async def ask(self, question: Question[T]) -> T:
        """The result; raises as `JsonRpc.ask`."""
        answer = await self.ask_or_error(question)
        if not isinstance(answer, JsonRpcError):
            return answer
        if question.executes and answer.is_revert:
            raise Reverted(answer.reason)
        logger.warning("%s failed: JSON-RPC error %s", question.method, answer.code)
        self._is_checked = False
        raise RailUnavailable(SILENT)

    async def ask_or_error(self, question: Question[T]) -> T | JsonRpcError:
        """The result, or the node's error.

        Raises:
            RailUnavailable: no response in time, an unreadable one, or one from another chain.
        """
        await self.check()
        answer = await self._call(question)
        await self.check()  # a connection that was opened for this call may lead to another node
        return answer

    def recheck(self) -> None:
        """Check the chain id again before the next result."""
        self._is_checked = False

    async def aclose(self) -> None:
        """Close the connections; later calls raise RailUnavailable."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def check(self) -> None:
        """Check the chain id, unless it has been checked. Raises RailUnavailable."""
        if self._is_checked:
            return
        chain_id = await self._call(CHAIN_ID)
        if isinstance(chain_id, JsonRpcError):
            raise RailUnavailable(SILENT)
        if chain_id == self._chain_id:
            self._is_checked, self.other_chain = True, None
            return
        if self.other_chain != chain_id:
            self.other_chain = chain_id
            logger.error("RPC URL %d leads to chain %d, not %d: it is not used", self._place, chain_id, self._chain_id)
        raise WrongChain

    async def _call(self, question: Question[T]) -> T | JsonRpcError:
        request = {"jsonrpc": "2.0", "id": 1, "method": question.method, "params": question.params}
        try:
            with span(question.method, is_call=True, rpc_url=self._place):
                async with self._open().post(
                    self.url, data=json.dumps(request), headers=_HEADERS, allow_redirects=False
                ) as response:
                    return _read(question, json.loads(await bounded(response, MAX_ANSWER_BYTES)))
        except FAILURES as exc:
            self._is_checked = False
            logger.warning("%s failed: %s", question.method, type(exc).__name__)
            raise RailUnavailable(SILENT) from None

    def _open(self) -> ClientSession:
        """The session, created by the first call in its event loop. Does not await, so that a cancellation cannot leave
        it half created."""
        if self._is_closed:
            raise RailUnavailable("The connection to the chain is closed: the service is stopping.")
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(limit=MAX_CONNECTIONS),
                raise_for_status=True,
                timeout=self._timeout,
                cookie_jar=DummyCookieJar(),
                trace_configs=[_after_connecting(self.recheck)],
            )
        return self._session


def _read(question: Question[T], answer: Any) -> T | JsonRpcError:
    error = answer.get("error")
    if error is None:
        return question.read(answer["result"])
    return JsonRpcError(int(error["code"]), str(error["message"]), error.get("data"))


def _after_connecting(act: Callable[[], None]) -> TraceConfig:
    async def opened(*_: object) -> None:
        act()

    trace = TraceConfig()
    trace.on_connection_create_end.append(opened)
    return trace


async def bounded(response: ClientResponse, at_most: int) -> bytes:
    """The body, decompressed. Raises ValueError if it has more than `at_most` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > at_most:
            raise ValueError("the answer is too long")
    return bytes(body)
