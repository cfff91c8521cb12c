"""One URL of a chain: JSON-RPC over kept connections, bounded in time, and silent about the URL, which may hold a key.

The errors of aiohttp quote the URL; so none of them leaves this file, and none is logged but by its class.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, TraceConfig
from aiohttp.http_exceptions import HttpProcessingError

from errors import RailUnavailable
from payments.evm.abi import UNREADABLE, number
from payments.evm.question import JsonRpcError, Question, Reverted
from tracing import span

logger = logging.getLogger(__name__)
T = TypeVar("T")

FAILURES = (ClientError, HttpProcessingError, OSError, *UNREADABLE)
"""What a call that gives no answer raises: in aiohttp, in the system, and in the parser of the response."""

SILENT = "The payment chain does not answer. Nothing was charged."
_HEADERS = {"Content-Type": "application/json"}
MAX_CONNECTIONS = 32
"""To one node; more calls wait for one that is free. A flood of payments, each of which asks the chain, must not take
the descriptors that the service needs for everything else."""

CHAIN_ID = Question("eth_chainId", (), number)


class WrongChain(RailUnavailable):
    """A URL leads to another chain than the one that is configured."""

    def __init__(self) -> None:
        super().__init__(SILENT)


class Node:
    """One URL. It is asked nothing before it has said that it is on the right chain; that is asked again after each new
    connection and after each failure, because then it may lead elsewhere.

    Args:
        place: 1 for the first URL of the settings, 2 for its fallback.
        timeout_s: for one call.

    Attributes:
        other_chain: the id of the other chain that it led to when it was asked last; None where it led to ours.
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
        """The result, or the node's error in its place.

        Raises:
            RailUnavailable: no answer in time, none that can be read, or one of another chain.
        """
        await self.check()
        answer = await self._call(question)
        await self.check()  # a connection that was opened for the question may lead elsewhere
        return answer

    def recheck(self) -> None:
        """Ask for the chain once more before the next answer."""
        self._is_checked = False

    async def aclose(self) -> None:
        """Close the connections; later calls raise RailUnavailable."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    async def check(self) -> None:
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
                    return _read(question, json.loads(await response.read()))
        except FAILURES as exc:
            self._is_checked = False
            logger.warning("%s failed: %s", question.method, type(exc).__name__)
            raise RailUnavailable(SILENT) from None

    def _open(self) -> ClientSession:
        """The session, made by the first question: it belongs to that one's event loop. Waits for nothing, so that no
        cancellation leaves it half made."""
        if self._is_closed:
            raise RailUnavailable("The chain is not asked any more: the service ends.")
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
