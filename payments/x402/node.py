"""One URL of the chain: web3 over one session of ours."""

from collections.abc import Callable

from aiohttp import ClientSession, ClientTimeout, TraceConfig
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from errors import RailUnavailable


class OneSession(AsyncHTTPProvider):
    """web3's provider, with connections that are kept, over one session that is not opened again once it was closed.

    web3's own way has three faults. It opens a session anew where one is missing or closed, and nobody closes that one.
    For each call a thread takes a lock of the whole process, which a cancelled call may never give back. And each call
    is a new connection.

    Args:
        timeout_s: for one call.
        connected: called after each new connection, before it is used.
    """

    def __init__(self, url: str, *, timeout_s: float, connected: Callable[[], None]) -> None:
        super().__init__(
            url,
            exception_retry_configuration=None,  # a transaction re-sent behind our back comes back as "nonce too low"
            cache_allowed_requests=True,
            cacheable_requests={RPCEndpoint("eth_chainId")},
        )
        # A payer's smart wallet could otherwise make web3 fetch any URL on our behalf (EIP-3668).
        self.global_ccip_read_enabled = False
        self._url = url
        self._timeout = ClientTimeout(total=timeout_s)
        self._connected = connected
        self._session: ClientSession | None = None
        self._closed = False

    async def disconnect(self) -> None:
        """Close the connections; whoever asks from now on gets no answer."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def _make_request(self, method: RPCEndpoint, request_data: bytes) -> bytes:
        async with self._open().post(self._url, data=request_data, headers=self.get_request_headers()) as answer:
            return await answer.read()

    def _open(self) -> ClientSession:
        """The session, made by the first question: it belongs to that one's event loop. Waits for nothing, so that no
        cancellation leaves it half made."""
        if self._closed:
            raise RailUnavailable("The chain is not asked any more: the service ends.")
        if self._session is None:
            self._session = ClientSession(
                raise_for_status=True, timeout=self._timeout, trace_configs=[_after_connecting(self._connected)]
            )
        return self._session


class Node:
    """One URL.

    Attributes:
        place: 1 for the first URL of the settings, 2 for its fallback.
        ours: that it leads to our chain was seen after its latest connection was opened, and its latest failure.
        stray: the id of the other chain that it led to when it was asked last.
    """

    def __init__(self, url: str, place: int, *, timeout_s: float) -> None:
        self.web3 = AsyncWeb3(OneSession(url, timeout_s=timeout_s, connected=self.doubt))
        self.place = place
        self.ours = False
        self.stray: int | None = None

    def doubt(self) -> None:
        """From now on it is not known where it leads."""
        self.ours = False

    async def chain_id(self) -> int:
        """The node's own word, not the one that web3 remembers."""
        provider = self.web3.provider
        provider.cache_allowed_requests = False
        try:
            return int(await self.web3.eth.chain_id)
        finally:
            provider.cache_allowed_requests = True

    async def aclose(self) -> None:
        """Close the connections; whoever asks from now on gets RailUnavailable."""
        await self.web3.provider.disconnect()


def _after_connecting(act: Callable[[], None]) -> TraceConfig:
    async def opened(*_: object) -> None:
        act()

    trace = TraceConfig()
    trace.on_connection_create_end.append(opened)
    return trace
