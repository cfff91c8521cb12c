"""HTTP by the byte, for requests that no client library would send."""

import asyncio
from contextlib import closing
from urllib.parse import urlsplit

import h11
import httpx


async def answer_to(url: str, sent: bytes) -> httpx.Response:
    """The answer to these bytes on a connection of their own; fails when there is none, or "100 Continue" before it."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    received = h11.Connection(h11.CLIENT)
    received.send(
        h11.Request(method="POST", target="/", headers=[("Host", address.netloc)])
    )  # that is, expect an answer
    events: list[h11.Event] = []
    with closing(writer):
        writer.write(sent)
        while not events or not isinstance(events[-1], h11.EndOfMessage):
            event = received.next_event()
            if isinstance(event, h11.Event):
                events.append(event)
            else:
                received.receive_data(await asyncio.wait_for(reader.read(65_536), 5))
    begin, *rest = events
    assert isinstance(begin, h11.Response), begin
    body = b"".join(each.data for each in rest if isinstance(each, h11.Data))
    return httpx.Response(begin.status_code, headers=list(begin.headers), content=body)
