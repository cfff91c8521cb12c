"""Connections have an end, and none keeps others out."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.config import ConnectionLimits
from api.http.open_connections import OpenConnections
from api.http.protocol import ClientProtocol
from api.http.request_rate import RequestRate
from api.http.throughput import MinimumThroughput
from tests.fakes.serving import TRUST, serving
from tests.siege import hostile_connections

QUICK = ConnectionLimits(head_timeout_s=1, discard_timeout_s=3, pace_bytes_s=1000, pace_window_s=1)
HEAD = b"POST / HTTP/1.1\r\nHost: cut.example\r\n"
BIG = 40_000_000


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, by the path: `/big` with many bytes, `/read` when the body is there."""
    request = Request(scope, receive)
    if request.url.path == "/read":
        await request.body()
    await Response(b"\0" * BIG if request.url.path == "/big" else b"hello")(scope, receive, send)


@contextmanager
def limited(limits: ConnectionLimits, app: ASGIApp = hello, proxies: tuple[str, ...] = ()) -> Iterator[str]:
    """A server with these limits."""

    class Limited(ClientProtocol):
        open = OpenConnections(limits, proxies)

    with serving(app, Limited) as url:
        yield url


def connected(url: str, sent: bytes = b"", *, source: str = "127.0.0.1", buffer: int | None = None) -> socket.socket:
    """A connection on which these bytes were sent; it is closed after the test."""
    _opened.append(hostile_connections.connected(url, sent, source=source, buffer=buffer))
    return _opened[-1]


_opened: list[socket.socket] = []


@pytest.fixture(autouse=True)
def hung_up() -> Iterator[None]:
    """After each test no connection of its is left."""
    yield
    while _opened:
        _opened.pop().close()


def ends_after(connection: socket.socket) -> tuple[float, bytes]:
    """Seconds until the server ends it, and what came until then."""
    start, came = time.monotonic(), b""
    with closing(connection):
        try:
            while data := connection.recv(65_536):
                came += data
        except ConnectionResetError:
            pass
    return time.monotonic() - start, came


def sends_for(connection: socket.socket, piece: bytes, *, at_most_s: float) -> float:
    """Seconds until the server takes no more of these pieces, ten a second."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < at_most_s:
            connection.sendall(piece)
            time.sleep(0.1)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return time.monotonic() - began


def has_ended(connection: socket.socket) -> bool:
    """Whether the server ends it, for which it has some time."""
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def is_open(connection: socket.socket) -> bool:
    """Whether the server has neither ended nor reset it."""
    connection.settimeout(0.2)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nHo"], ids=["silent", "half a head"])
def test_a_request_that_does_not_arrive_is_not_waited_for(sent: bytes) -> None:
    with limited(QUICK) as url:
        seconds, came = ends_after(connected(url, sent))
    assert 0.9 <= seconds < 20
    assert came.startswith(b"HTTP/1.1 408") if sent else came == b""


def test_a_head_that_drips_has_no_more_time() -> None:
    with limited(QUICK) as url, closing(connected(url)) as connection:
        assert sends_for(connection, b"A", at_most_s=30) < 20


def test_the_time_begins_anew_with_each_request() -> None:
    """After an answer the connection stays open for longer, and then ends."""
    with limited(QUICK.model_copy(update={"keep_alive_s": 4})) as url, closing(connected(url)) as connection:
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n")
            came = b""
            while not came.endswith(b"hello"):
                came += connection.recv(1000) or pytest.fail("the connection was closed")
            assert came.startswith(b"HTTP/1.1 200")
            time.sleep(2)
        connection.sendall(HEAD)
        seconds, came = ends_after(connection)
        assert 0.9 <= seconds < 4
        assert came.startswith(b"HTTP/1.1 408")


def test_a_connection_that_asks_nothing_more_ends() -> None:
    with limited(QUICK.model_copy(update={"keep_alive_s": 1})) as url:
        seconds, came = ends_after(connected(url, HEAD + b"\r\n"))
    assert came.startswith(b"HTTP/1.1 200")
    assert 0.9 <= seconds < 20


def test_a_connection_is_kept_longer_than_clients_keep_theirs() -> None:
    """httpx 5 s, aiohttp 15 s, nginx and our Caddyfile 60 s. A request on one that is being closed gets no answer."""
    assert ConnectionLimits().keep_alive_s > 60


def test_a_body_that_was_answered_must_go_on_and_end() -> None:
    """It is thrown away: a client that sends on learns the answer; one that stands still or drips is closed."""
    with limited(QUICK) as url:
        still = connected(url, HEAD + b"Content-Length: 1000000\r\n\r\nabc")
        seconds, came = ends_after(still)
        assert came.startswith(b"HTTP/1.1 200")
        assert seconds < 20
        with closing(connected(url, HEAD + b"Content-Length: 100000000\r\n\r\n")) as steady:
            assert 2.5 < sends_for(steady, b"a" * 2000, at_most_s=30) < 20


def test_a_body_that_is_read_is_the_applications_affair() -> None:
    with (
        limited(QUICK) as url,
        closing(connected(url, HEAD.replace(b"/ ", b"/read ") + b"Content-Length: 1\r\n\r\n")) as slow,
    ):
        time.sleep(3)
        slow.sendall(b"a")
        assert slow.recv(100).startswith(b"HTTP/1.1 200")


def test_an_answer_that_is_not_read_is_given_up() -> None:
    with limited(QUICK) as url:
        connection = connected(url, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", buffer=4096)
        time.sleep(5)
        _, came = ends_after(connection)
    assert len(came) < BIG


def test_an_answer_that_is_read_slowly_arrives() -> None:
    with limited(QUICK) as url, closing(connected(url, b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")) as connection:
        came, began = 0, time.monotonic()
        while came < BIG:
            data = connection.recv(1_000_000)
            assert data
            came += len(data)
            time.sleep(0.04)
    assert time.monotonic() - began > 1


def test_the_oldest_idle_connection_of_an_address_makes_room() -> None:
    with limited(ConnectionLimits(per_address=3)) as url:
        first, *others = [connected(url, source="127.0.0.5") for _ in range(3)]
        stranger = connected(url, source="127.0.0.6")
        time.sleep(0.2)
        others.append(connected(url, source="127.0.0.5"))
        assert has_ended(first)
        assert all(is_open(each) for each in (*others, stranger))


def test_who_is_owed_an_answer_is_not_closed_for_a_new_one() -> None:
    unread = HEAD.replace(b"/ ", b"/read ") + b"Content-Length: 1\r\n\r\n"
    with limited(ConnectionLimits(per_address=2)) as url:
        busy = [connected(url, unread, source="127.0.0.5") for _ in range(2)]
        time.sleep(0.2)
        assert has_ended(connected(url, source="127.0.0.5"))
        for each in busy:
            each.sendall(b"a")
            assert each.recv(100).startswith(b"HTTP/1.1 200")


def test_when_all_are_taken_the_oldest_idle_one_of_all_makes_room() -> None:
    with limited(ConnectionLimits(total=3)) as url:
        first, *others = [connected(url, source=f"127.0.0.{number}") for number in (5, 6, 7)]
        time.sleep(0.2)
        others.append(connected(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", source="127.0.0.8"))
        assert others[-1].recv(100).startswith(b"HTTP/1.1 200")
        assert has_ended(first)
        assert all(is_open(each) for each in others)


def test_many_clients_come_by_a_proxy() -> None:
    with limited(ConnectionLimits(per_address=2), proxies=("127.0.0.0/29",)) as url:
        assert all(is_open(each) for each in [connected(url, source="127.0.0.5") for _ in range(5)])


def test_who_has_most_connections_makes_room_first() -> None:
    """Those of a proxy are of many clients, so they stay as long as there are others."""
    with limited(ConnectionLimits(total=8), proxies=("127.0.0.4",)) as url:
        by_proxy = [connected(url, source="127.0.0.4") for _ in range(4)]
        single = connected(url, source="127.0.0.5")
        time.sleep(0.1)
        older, newer = [connected(url, source="127.0.0.6") for _ in range(2)]
        connected(url, source="127.0.0.7")
        time.sleep(0.1)
        assert is_open(connected(url, source="127.0.0.8"))
        assert has_ended(older)
        assert all(is_open(each) for each in (single, newer, *by_proxy))


def test_one_address_that_is_owed_answers_leaves_the_others_room() -> None:
    """However many it may have by itself, it has a quarter of all."""
    unread = HEAD.replace(b"/ ", b"/read ") + b"Content-Length: 1\r\n\r\n"
    with limited(ConnectionLimits(total=8, per_address=100)) as url:
        for _ in range(20):
            connected(url, unread, source="127.0.0.5")
        time.sleep(0.1)
        asked = connected(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", source="127.0.0.6")
        assert asked.recv(100).startswith(b"HTTP/1.1 200")


async def test_a_flood_of_silent_connections_keeps_nobody_out() -> None:
    """Three times as many as there may be; whoever asks meanwhile is answered."""
    with limited(ConnectionLimits(total=100, per_address=50), PlainTextResponse("hello")) as url:
        address = urlsplit(url)
        flood = []
        async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
            for number in range(300):
                source = (f"127.0.1.{number % 5}", 0)
                flood.append(await asyncio.open_connection(address.hostname, address.port, local_addr=source))
                if number % 30 == 0:
                    assert (await client.get(url)).text == "hello"
        for _, writer in flood:
            writer.close()


def test_requests_beyond_the_rate_wait() -> None:
    """They are answered later, in their order, and others are not kept waiting."""
    asked = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 60
    with limited(ConnectionLimits(requests_per_s=10)) as url:
        began = time.monotonic()
        eager = connected(url, asked, source="127.0.0.5")
        other = connected(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", source="127.0.0.6")
        assert other.recv(100).startswith(b"HTTP/1.1 200")
        came = eager.recv(65_536, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        assert came.count(b"HTTP/1.1 200") < 60
        came = b""
        while came.count(b"HTTP/1.1 200") < 60:
            came += eager.recv(65_536)
        assert time.monotonic() - began >= 1.9


def test_a_request_that_waits_for_its_turn_is_not_late() -> None:
    """Its header fields have come in time."""
    with limited(ConnectionLimits(requests_per_s=0.4, head_timeout_s=1)) as url:
        eager, came = connected(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2, source="127.0.0.5"), b""
        while came.count(b"hello") < 2:
            received = eager.recv(65_536)
            assert received
            came += received
    assert came.count(b"HTTP/1.1 200") == 2


def test_the_rate_of_requests_fills_up_again() -> None:
    rate = RequestRate(1)
    assert [rate.wait_s("a", 0) for _ in range(5)] == [0, 0, 0, 0, 1]
    assert (rate.wait_s("b", 0), rate.wait_s("a", 0.5), rate.wait_s("a", 1)) == (0, 0.5, 0)


def test_the_pace_is_judged_over_windows() -> None:
    throughput = MinimumThroughput(100, 2)
    looks = [(0, 0), (1, 0), (2, 200), (3, 200), (4, 399), (5, 399), (6, 800)]
    assert [throughput.is_met(now, passed) for now, passed in looks] == [True, True, True, True, False, True, True]
    throughput.reset()
    assert throughput.is_met(100, 800)


def test_there_are_fewer_connections_than_descriptors() -> None:
    assert ConnectionLimits(total=10**9).affordable < 10**9
    assert ConnectionLimits(total=5).affordable == 5
