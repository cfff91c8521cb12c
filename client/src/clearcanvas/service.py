"""The service over HTTP: a request for a quote, and a request with a payment."""

import asyncio
from base64 import b64encode

import httpx

from clearcanvas.errors import CannotBuy
from clearcanvas.order import Order
from clearcanvas.payment import Payment

MAX_ANSWER_BYTES = 512_000_000
"""More than the largest cut-out: 10,000 x 10,000 pixels of four bytes, almost uncompressed."""
_CONNECT_S = 10.0
_ASK_S = 20.0


class NoAnswer(Exception):
    """No complete answer came; the request may have arrived."""


class Service:
    """Talks to one service.

    Args:
        timeout_s: seconds for one request, from connecting to the last byte of the answer.
        http: the caller's own client, with proxies, certificates or headers; the caller closes it.
    """

    def __init__(self, timeout_s: float, http: httpx.AsyncClient | None = None) -> None:
        self._timeout_s = timeout_s
        self._is_own = http is None
        self._http = http or httpx.AsyncClient()

    async def aclose(self) -> None:
        """Close the HTTP client, unless the caller passed it."""
        if self._is_own:
            await self._http.aclose()

    async def ask(self, url: str) -> httpx.Response:
        """Send an empty POST; the answer is a quote.

        Raises:
            NoAnswer: no complete answer came.
        """
        return await self._post(url, b"", {}, min(self._timeout_s, _ASK_S))

    async def send(self, order: Order, payment: Payment) -> httpx.Response:
        """Send the picture with its payment.

        Raises:
            NoAnswer: no complete answer came; the money may have moved.
        """
        headers = {
            "Content-Type": order.picture.media_type,
            "Content-Digest": f"sha-256=:{b64encode(bytes.fromhex(order.picture.sha256)).decode()}:",
            "Idempotency-Key": payment.order,
            payment.header: payment.value,
        }
        return await self._post(order.url, order.picture.content, headers, self._timeout_s)

    async def _post(self, url: str, content: bytes, headers: dict[str, str], timeout_s: float) -> httpx.Response:
        timeout = httpx.Timeout(timeout_s, connect=_CONNECT_S)
        request = self._http.build_request("POST", url, content=content, headers=headers, timeout=timeout)
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    return httpx.Response(
                        answer.status_code,
                        headers=_without_coding(answer),
                        content=await _read(answer),
                        request=request,
                    )
                finally:
                    await answer.aclose()
        except httpx.UnsupportedProtocol:
            raise CannotBuy(f"{url} cannot be reached.") from None
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from None


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise httpx.ReadError(f"The answer exceeds {MAX_ANSWER_BYTES:,} bytes, more than any cut-out has.")
    return bytes(body)


def _without_coding(answer: httpx.Response) -> httpx.Headers:
    headers = answer.headers.copy()
    for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
        headers.pop(name, None)
    return headers
