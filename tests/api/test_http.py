"""What comes by the byte: every request has one reading or none, and refusals have the form of all others."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api.http.protocol import ClientProtocol
from tests.fakes.serving import TRUST, serving
from tests.raw_http import answer_to, answers_to

GET = b"GET / HTTP/1.1\r\nHost: cut.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: cut.example\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "no http": (b"no http\r\n\r\n", 400),
    "no request line": (b"\r\n\r\n", 400),
    "two hosts": (GET + b"Host: other.example\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "length and chunks": (POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
    "chunks on 1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    "a signed length": (POST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "a length that is none": (POST + b"Content-Length: many\r\n\r\n", 400),
    "an unknown encoding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400),
    "two encodings": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "lines without CR": (GET.replace(b"\r\n", b"\n") + b"\n", 400),
    "one line without CR": (GET + b"A: 1\nB: 2\r\n\r\n", 400),
    "a CR alone": (GET + b"A: 1\rB: 2\r\n\r\n", 400),
    "a folded line": (GET + b"A: 1\r\n 2\r\n\r\n", 400),
    "a line folded by a tab": (GET + b"A: 1\r\n\t2\r\n\r\n", 400),
    "a space before the colon": (GET + b"A : 1\r\n\r\n", 400),
    "a NUL": (GET + b"A: 1\x002\r\n\r\n", 400),
    "two different types": (POST + b"Content-Type: image/png\r\nContent-Type: image/jpeg\r\n\r\n", 400),
    "a URL with a user": (b"GET http://a@cut.example/ HTTP/1.1\r\nHost: cut.example\r\n\r\n", 400),
    "a URL with another scheme": (b"GET httpx://cut.example/ HTTP/1.1\r\nHost: cut.example\r\n\r\n", 400),
    "a long target": (b"GET /?" + b"a&" * 4000 + b" HTTP/1.1\r\nHost: cut.example\r\n\r\n", 414),
    "a target without an end": (b"GET /" + b"a" * 3000, 414),
    "101 fields": (GET + b"".join(b"A: %d\r\n" % number for number in range(100)) + b"\r\n", 431),
    "101 fields without an end": (GET + b"".join(b"A: %d\r\n" % number for number in range(101)), 431),
    "endless fields": (GET + b"X-PAYMENT: " + b"A" * 40_000, 431),
    "a large field": (GET + b"X-PAYMENT: " + b"A" * 40_000 + b"\r\n\r\n", 431),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: cut.example\r\n\r\n", 505),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nHost: cut.example\r\n\r\n", 505),
}

TAKEN = {
    "a path": (GET + b"\r\n", "cut.example", "/"),
    "a URL": (b"GET http://cut.example/a?b=c HTTP/1.1\r\nHost: other.example\r\n\r\n", "cut.example", "/a"),
    "a URL in capitals": (b"GET HTTPS://Cut.Example:8443 HTTP/1.1\r\nHost: x\r\n\r\n", "Cut.Example:8443", "/"),
    "a URL with a query alone": (b"GET http://cut.example?b HTTP/1.1\r\nHost: x\r\n\r\n", "cut.example", "/"),
    "100 fields": (GET + b"".join(b"A: %d\r\n" % number for number in range(99)) + b"\r\n", "cut.example", "/"),
    "the same type twice": (POST + b"Content-Type: a/b\r\nContent-Type: a/b\r\n\r\n", "cut.example", "/"),
    "an upgrade, ignored": (
        GET + b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "cut.example",
        "/",
    ),
    "HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: cut.example\r\n\r\n", "cut.example", "/"),
}


async def told(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked."""
    request = Request(scope)
    body = {"host": request.headers["host"], "path": request.url.path, "query": request.url.query}
    await JSONResponse(body)(scope, receive, send)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(told, ClientProtocol) as url:
        yield url


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
async def test_what_is_ambiguous_or_too_large_is_a_problem_and_the_end(url: str, sent: bytes, status: int) -> None:
    """Whatever follows on the connection is not read: one answer comes, then the end."""
    [answer] = await answers_to(url, sent + GET + b"\r\n")
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["retryable"]) == (status, status, False)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Connection"] == "close"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "charged" not in problem, "a payment may have come with it"
    assert "AAAA" not in answer.text, "what came is not quoted: it may hold a payment"


@pytest.mark.parametrize(("sent", "host", "path"), TAKEN.values(), ids=TAKEN)
async def test_what_has_one_reading_is_taken(url: str, sent: bytes, host: str, path: str) -> None:
    answer = await answer_to(url, sent)
    assert (answer.status_code, answer.json()["host"], answer.json()["path"]) == (200, host, path)


async def test_requests_may_follow_each_other_at_once(url: str) -> None:
    answers = await answers_to(url, GET + b"\r\n" + GET.replace(b"/ ", b"/b ") + b"Connection: close\r\n\r\n")
    assert [each.json()["path"] for each in answers] == ["/", "/b"]


async def test_a_head_may_come_in_pieces(url: str) -> None:
    answer = await answer_to(url, GET + b"A: 1\r\n\r\n", piece=1)
    assert answer.status_code == 200


async def test_a_body_in_crumbs_is_refused() -> None:
    """Each piece costs as much as a large one."""

    async def read(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(str(len(await Request(scope, receive).body())))(scope, receive, send)

    with serving(read, ClientProtocol) as url:
        assert (await answer_to(url, CHUNKED + b"1\r\na\r\n" * 900 + b"0\r\n\r\n")).text == "900"
        [answer] = await answers_to(url, CHUNKED + b"1\r\na\r\n" * 2000)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_a_request_that_was_answered_is_not_answered_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Its body turns out broken afterwards: the connection ends, and no error is logged."""
    with serving(Response(status_code=204), ClientProtocol) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(CHUNKED)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 204")
            connection.sendall(b"no chunk\r\n")
            assert connection.recv(65_536) == b""
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_request_that_was_refused_is_not_answered_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Its body turns out broken before the application has answered; the refusal is the answer."""
    with serving(Response(status_code=204), ClientProtocol) as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
            connection.sendall(CHUNKED + b"no chunk\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_an_answer_has_its_status_line(url: str) -> None:
    """Clients of all kinds read it."""
    assert httpx.get(url, trust_env=False, verify=TRUST).json()["path"] == "/"
