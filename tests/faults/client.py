"""One HTTP request per connection, byte by byte, so that the client can disconnect at any time."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from urllib.parse import urlsplit

import h11

from tests.buying import ROUTE

TIMEOUT_S = 75.0


class Manner(StrEnum):
    """The client's behaviour during a purchase."""

    PLAIN = "plain"
    SLOW_UPLOAD = "slow upload"
    HANG_UP_IN_UPLOAD = "hung up in the upload"
    HANG_UP_BEFORE_ANSWER = "hung up before the answer"
    HANG_UP_IN_ANSWER = "hung up in the answer"


class Lost(Exception):
    """No complete response arrived; the message states the reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


async def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    parameters: str,
    manner: Manner,
    random: Random,
    source: str | None = None,
) -> Answer:
    """Send a picture to the paid route of the service at `url`; `source` is an own address to send it from.

    Raises:
        Lost: either side closed the connection before the response was complete.
    """
    address = urlsplit(url)
    wire = h11.Connection(h11.CLIENT)
    head = wire.send(
        h11.Request(
            method="POST",
            target=f"{ROUTE}?{parameters}",
            headers=[
                ("Host", address.netloc),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *headers.items(),
            ],
        )
    )
    wire.send(h11.Data(data=body))
    wire.send(h11.EndOfMessage())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(
                address.hostname, address.port or 80, local_addr=(source, 0) if source else None
            )
            try:
                await _upload(writer, head or b"", body, manner, random)
                if manner is Manner.HANG_UP_BEFORE_ANSWER:
                    await asyncio.sleep(random.choice([0.0, random.uniform(0, 0.2), random.uniform(0, 2.5)]))
                    raise Lost(manner)
                return await _read(reader, wire, manner)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise Lost(f"no answer within {TIMEOUT_S:g} s") from None
    except (OSError, h11.RemoteProtocolError) as exc:
        raise Lost(type(exc).__name__) from None


async def _upload(writer: asyncio.StreamWriter, head: bytes, body: bytes, manner: Manner, random: Random) -> None:
    writer.write(head)
    if manner is Manner.HANG_UP_IN_UPLOAD:
        writer.write(body[: random.randrange(len(body))])
        await writer.drain()
        raise Lost(manner)
    if manner is Manner.SLOW_UPLOAD:
        for start in range(0, len(body), len(body) // 3 + 1):
            writer.write(body[start : start + len(body) // 3 + 1])
            await writer.drain()
            await asyncio.sleep(random.uniform(0.05, 0.6))
    else:
        writer.write(body)
        await writer.drain()


async def _read(reader: asyncio.StreamReader, wire: h11.Connection, manner: Manner) -> Answer:
    begin: h11.Response | None = None
    body = bytearray()
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(200 if manner is Manner.HANG_UP_IN_ANSWER else 65_536))
            continue
        if isinstance(event, h11.Response):
            begin = event
        elif isinstance(event, h11.Data):
            body += event.data
            if manner is Manner.HANG_UP_IN_ANSWER:
                raise Lost(manner)
        elif isinstance(event, h11.EndOfMessage) and begin is not None:
            names = {name.decode().lower(): value.decode() for name, value in begin.headers}
            return Answer(begin.status_code, names, bytes(body))
