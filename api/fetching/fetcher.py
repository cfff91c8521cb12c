"""Fetches one picture, within limits of addresses, time, size and redirects."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from api.config import FetchConfig
from api.fetching.addresses import Allowed
from api.fetching.urls import not_public, read_url
from errors import ImageNotFetched, Overloaded
from version import VERSION

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE_BYTES = 65_536
_RETRY_S = 2
_HEADERS = {
    "User-Agent": f"ClearCanvas/{VERSION}",
    "Accept": "image/png, image/jpeg, image/webp",
    "Accept-Encoding": "identity",
}

Look = Callable[[str, int], list[str]]


class Fetcher:
    """Fetches pictures for one API worker.

    Args:
        look_up: resolves a host name, called in a thread; raises OSError.
    """

    def __init__(self, config: FetchConfig, look_up: Look | None = None) -> None:
        self._config = config
        self._allowed = Allowed(config.networks)
        self._under_way = 0
        # Its own threads: a name server that does not answer may delay other fetches only.
        self._threads = ThreadPoolExecutor(config.at_a_time, thread_name_prefix="look-up")
        self._look_up = look_up or _look_up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Start no further look-ups; do not wait for running ones."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check(self, url: str) -> None:
        """Refuse a URL that is never fetched, without network access. Raises ImageNotFetched."""
        if not self._config.enabled:
            raise ImageNotFetched("This service does not fetch images from URLs. Send the image itself.")
        read_url(url, self._allowed, self._config.ports)

    async def fetch(self, url: str, take: Callable[[bytes], None]) -> None:
        """Pass each piece of the picture to `take`.

        Raises:
            ImageNotFetched: the URL is not allowed, or fetching failed.
            Overloaded: too many pictures are being fetched.
            ServiceError: from `take`.
        """
        self.check(url)
        if self._under_way >= self._config.at_a_time:
            raise Overloaded("Too many images are being fetched. Send the request again.", retry_after=_RETRY_S)
        self._under_way += 1
        try:
            async with asyncio.timeout(self._config.timeout_s):
                await self._follow(url, take)
        except TimeoutError as error:
            limit = self._config.timeout_s
            raise ImageNotFetched(f"image_url did not deliver the image within {limit:g} seconds.") from error
        except (ClientError, OSError, ValueError) as error:
            raise ImageNotFetched("The host of image_url sent an invalid HTTP response.") from error
        finally:
            self._under_way -= 1

    async def _follow(self, url: str, take: Callable[[bytes], None]) -> None:
        async with self._session() as session:
            target = read_url(url, self._allowed, self._config.ports)
            for _ in range(self._config.max_redirects + 1):
                async with session.get(target, allow_redirects=False) as answer:
                    if answer.status not in _REDIRECTS:
                        return await _read(answer, take)
                    target = self._next(target, answer)
        raise ImageNotFetched(f"image_url redirects more than {self._config.max_redirects} times.")

    def _next(self, url: URL, answer: ClientResponse) -> URL:
        """The target of a redirect. Raises ImageNotFetched."""
        location = answer.headers.get("Location", "")
        return read_url(str(url.join(URL(location))), self._allowed, self._config.ports)

    def _session(self) -> ClientSession:
        """A session for one picture: pictures of different buyers share nothing."""
        connector = TCPConnector(resolver=_Resolver(self._addresses), use_dns_cache=False, force_close=True)
        return ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
        )

    async def _addresses(self, host: str, port: int) -> list[str]:
        """All addresses of a name. Raises ImageNotFetched if one of them is not public."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._look_up, host, port)
        except (OSError, UnicodeError) as error:
            raise ImageNotFetched("The host of image_url is not known.") from error
        if not found or any(each not in self._allowed for each in found):
            raise not_public()
        return found


class _Resolver(AbstractResolver):
    """Returns the checked addresses to aiohttp, so that it does not resolve again."""

    def __init__(self, addresses: Callable[[str, int], Awaitable[list[str]]]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=each,
                port=port,
                family=socket.AF_INET6 if ":" in each else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for each in await self._addresses(host, port)
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _read(answer: ClientResponse, take: Callable[[bytes], None]) -> None:
    """Raises ImageNotFetched if the head of the response shows that it is not a picture."""
    if answer.status != 200:
        raise ImageNotFetched(f"image_url was answered with status {answer.status}; it must be 200.")
    coding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise ImageNotFetched("image_url was answered with a Content-Encoding; it must have none.")
    if answer.content_type == "text/html":
        raise ImageNotFetched("image_url leads to an HTML page. It must be the URL of the image itself.")
    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
        take(piece)
