"""HTTP by the byte, for requests that no client library would send."""

import asyncio
from contextlib import closing
from urllib.parse import urlsplit

import h11
import httpx

_PATIENCE_S = 5


async def answer_to(url: str, sent: bytes, *, piece: int | None = None) -> httpx.Response:
    """The first answer to these bytes on a connection of their own, sent in pieces of so many bytes.

    Fails when there is none, or "100 Continue" before it.
    """
    return (await _answers(url, sent, at_most=1, piece=piece))[0]


async def answers_to(url: str, sent: bytes) -> list[httpx.Response]:
    """All answers until the service ends the connection; fails when it does not."""
    return await _answers(url, sent, at_most=100)


async def _answers(url: str, sent: bytes, *, at_most: int, piece: int | None = None) -> list[httpx.Response]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    answers: list[httpx.Response] = []
    received = _expecting(address.netloc)
    events: list[h11.Event] = []
    with closing(writer):
        for start in range(0, len(sent), piece or len(sent)):
            writer.write(sent[start : start + (piece or len(sent))])
            await asyncio.sleep(0)
        while len(answers) < at_most:
            event = received.next_event()
            if event is h11.NEED_DATA:
                data = await asyncio.wait_for(reader.read(65_536), _PATIENCE_S)
                if not data and not events:
                    return answers
                received.receive_data(data)
            elif isinstance(event, h11.EndOfMessage):
                answers.append(_answer(events))
                left, _ = received.trailing_data
                received, events = _expecting(address.netloc), []
                if left:
                    received.receive_data(left)
            elif isinstance(event, h11.Event):
                events.append(event)
    return answers


def _expecting(host: str) -> h11.Connection:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", host)]))
    connection.send(h11.EndOfMessage())
    return connection


def _answer(events: list[h11.Event]) -> httpx.Response:
    begin, *rest = events
    assert isinstance(begin, h11.Response), begin
    body = b"".join(each.data for each in rest if isinstance(each, h11.Data))
    return httpx.Response(begin.status_code, headers=list(begin.headers), content=body)
