"""Fetching a picture that somebody names: from public addresses only, in bounds of time, size and redirects."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest

from api.config import FetchConfig
from api.fetching import Fetcher
from errors import ImageNotFetched, Overloaded, ServiceError, UploadTooLarge
from tests.fakes.picture_host import PictureHost

CONTENT = b"picture" * 50


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with PictureHost(CONTENT).open() as host:
        yield host


def config(host: PictureHost, **values: object) -> FetchConfig:
    """Settings under which this host's address is fetched from."""
    return FetchConfig.model_validate({"ports": (host.port,), "networks": ("127.0.0.0/8",), "timeout_s": 2, **values})


async def fetch(fetcher: Fetcher, url: str, limit: int = 1_000_000) -> bytes:
    """What is fetched, up to a limit."""
    pieces: list[bytes] = []

    def take(piece: bytes) -> None:
        pieces.append(piece)
        if sum(map(len, pieces)) > limit:
            raise UploadTooLarge("too large")

    await fetcher.fetch(url, take)
    return b"".join(pieces)


async def refusal(fetcher: Fetcher, url: str) -> ServiceError:
    """The refusal of a URL."""
    with pytest.raises(ServiceError) as caught:
        await fetch(fetcher, url)
    assert isinstance(caught.value, ImageNotFetched), caught.value
    return caught.value


async def test_a_picture_is_fetched_as_it_is(host: PictureHost) -> None:
    assert await fetch(Fetcher(config(host)), f"{host.photo}#part") == CONTENT
    assert host.headers["accept-encoding"] == "identity"
    assert not {"cookie", "referer", "authorization"} & host.headers.keys()
    assert host.headers["user-agent"].startswith("ClearCanvas/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "photo.jpg",
        "/photo.jpg",
        "//example.com/photo.jpg",
        "file:///etc/passwd",
        "ftp://example.com/photo.jpg",
        "gopher://example.com/",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "http://",
        "http:///photo.jpg",
        "http://[::1",
        "http://[example.com]/",
        "http://example.com:99999/",
        "http://example.com:22/",
        "http://example.com:0/",
        "https://example.com:80/",
        "http://example.com:443/",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://exa mple.com/",
        "http://example.com/a\r\nHost: b",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/" + "x" * 5000,
        "http://127.0.0.1/",
        "http://127.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
        "http://0.0.0.0/",
    ],
)
def test_a_url_is_refused_by_itself_before_anybody_is_asked(url: str) -> None:
    with pytest.raises(ImageNotFetched) as caught:
        Fetcher(FetchConfig()).check(url)
    assert "secret" not in caught.value.detail
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    "url", ["http://example.com", "https://example.com/a%20b?c=d#e", "HTTPS://EXAMPLE.COM:443/ä", "http://8.8.8.8:80/"]
)
def test_a_url_that_may_lead_to_a_picture_is_quoted(url: str) -> None:
    Fetcher(FetchConfig()).check(url)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "2130706433", "0x7f000001", "0177.0.0.1", "127.1"])
async def test_names_and_spellings_of_an_inner_address_are_refused(host: PictureHost, name: str) -> None:
    """Looked up by the system, as it would be for a connection."""
    await refusal(Fetcher(config(host, networks=())), f"http://{name}:{host.port}/photo")
    assert host.asked == []


async def test_a_name_with_one_inner_address_among_others_is_refused(host: PictureHost) -> None:
    fetcher = Fetcher(config(host, networks=()), lambda name, port: ["93.184.216.34", "127.0.0.1"])
    assert "not public" in (await refusal(fetcher, f"http://pictures.example:{host.port}/photo")).detail
    assert host.asked == []


async def test_the_address_that_was_judged_is_the_one_that_is_used(host: PictureHost) -> None:
    """A name server that answers otherwise the second time is asked once per connection."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    fetcher = Fetcher(config(host), lambda name, port: next(answers))
    assert await fetch(fetcher, f"http://pictures.example:{host.port}/photo") == CONTENT
    assert next(answers) == ["10.0.0.1"], "it was asked once"


async def test_a_redirect_is_looked_up_and_judged_anew(host: PictureHost) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    fetcher = Fetcher(config(host), lambda name, port: next(answers))
    url = f"http://pictures.example:{host.port}/to?url={quote(f'http://pictures.example:{host.port}/photo')}"
    assert "not public" in (await refusal(fetcher, url)).detail
    assert host.asked == ["to"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(host: PictureHost, status: int) -> None:
    assert await fetch(Fetcher(config(host)), f"{host.url}/to?status={status}&url=/photo") == CONTENT


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "http://10.0.0.1/photo",
        "http://[::1]/photo",
        "http://169.254.169.254/",
        "http://127.0.0.1:22/",
        "http://user@127.0.0.1/",
        "http://[",
    ],
)
async def test_a_redirect_to_where_nothing_is_fetched_from_is_refused(host: PictureHost, to: str) -> None:
    await refusal(Fetcher(config(host)), f"{host.url}/to?url={quote(to)}")
    assert host.asked == ["to"]


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("loop", "redirects more than 3 times"),
        ("nowhere", "redirects more than 3 times"),
        ("missing", "status 404"),
        ("page", "HTML page"),
        ("gzip", "Content-Encoding"),
        ("slow", "within 0.5 seconds"),
    ],
)
async def test_the_refusal_names_the_cause(host: PictureHost, path: str, cause: str) -> None:
    fetcher = Fetcher(config(host, timeout_s=0.5))
    assert cause in (await refusal(fetcher, f"{host.url}/{path}")).detail
    assert len(host.asked) <= 4


async def test_an_endless_picture_is_left_at_the_limit(host: PictureHost) -> None:
    with pytest.raises(UploadTooLarge):
        await fetch(Fetcher(config(host, timeout_s=30)), f"{host.url}/endless", limit=50_000)


@pytest.fixture
async def rubbish() -> AsyncIterator[int]:
    """The port of a server that answers no HTTP: by its path it says nonsense, or sends headers without end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1]
        if path == b"/nonsense":
            writer.write(b"220 mail.example ESMTP\r\n")
        elif path == b"/headers":
            for number in range(20_000):
                writer.write(b"HTTP/1.1 200 OK\r\n" if not number else b"X-%d: %s\r\n" % (number, b"y" * 100))
        elif path == b"/line":
            writer.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000)
        elif path == b"/cut":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        elif path == b"/hints":
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("path", ["nonsense", "headers", "line", "cut", "hints", "closed"])
async def test_a_server_that_speaks_no_http_is_a_refusal(rubbish: int, path: str) -> None:
    fetcher = Fetcher(FetchConfig(ports=(rubbish,), networks=("127.0.0.0/8",), timeout_s=2))
    await refusal(fetcher, f"http://127.0.0.1:{rubbish}/{path}")


async def test_a_port_that_is_closed_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    await refusal(Fetcher(FetchConfig(ports=(port,), networks=("127.0.0.0/8",))), f"http://127.0.0.1:{port}/")


async def test_so_many_are_fetched_at_a_time_and_no_more(host: PictureHost) -> None:
    fetcher = Fetcher(config(host, at_a_time=1, timeout_s=1))
    first = asyncio.create_task(refusal(fetcher, f"{host.url}/slow"))
    await asyncio.sleep(0.3)
    assert host.asked == ["slow"]
    with pytest.raises(Overloaded):
        await fetch(fetcher, host.photo)
    await first
    assert await fetch(fetcher, host.photo) == CONTENT


async def test_fetching_can_be_switched_off(host: PictureHost) -> None:
    assert "Send the image itself" in (await refusal(Fetcher(config(host, enabled=False)), host.photo)).detail
