"""What is no HTTP is refused by the server itself, in the form of all other refusals."""

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from starlette.responses import Response

from api.unreadable import ProblemProtocol
from tests.fakes.serving import serving
from tests.raw_http import answer_to

HEAD = b"POST / HTTP/1.1\r\nHost: cut.example\r\nTransfer-Encoding: chunked\r\n\r\n"
NO_CHUNK = b"no chunk\r\n"


@pytest.fixture
def url() -> Iterator[str]:
    """A server whose application answers 204 and looks at no body."""
    with serving(Response(status_code=204), ProblemProtocol) as url:
        yield url


@pytest.mark.parametrize(
    "sent",
    [b"no http\r\n\r\n", HEAD.replace(b"chunked", b"gzip"), b"GET / HTTP/1.1\r\nX-PAYMENT: " + b"A" * 20_000],
    ids=["no http", "an unknown encoding", "endless header fields"],
)
async def test_what_cannot_be_read_is_a_problem(url: str, sent: bytes) -> None:
    answer = await answer_to(url, sent)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (400, 400, "bad_request")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert "charged" not in problem, "a payment may have come with it"


async def test_a_request_goes_straight_to_the_application_that_is_named() -> None:
    """And not through what the server was given."""

    class Straight(ProblemProtocol):
        straight_to = (Response(status_code=200),)

    with serving(Response(status_code=204), Straight) as url:
        assert (await answer_to(url, b"GET / HTTP/1.1\r\nHost: cut.example\r\n\r\n")).status_code == 200


def test_a_request_that_was_answered_is_not_answered_twice(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Its body turns out broken afterwards: the connection ends, and no error is logged."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(HEAD)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 204")
        connection.sendall(NO_CHUNK)
        assert connection.recv(65_536) == b""
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
