"""Downloads against a real server that misbehaves: what arrives is continued, and only what is right is kept."""

import fcntl
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelkit.zoo.download import ATTEMPTS, Digest, download
from models.manifest import ModelError
from tests.fakes.file_server import FileServer, serve_file

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KNOWN = Digest("sha256", SHA256)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serve_file(CONTENT) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "network.onnx"


def _get(server: FileServer, target: Path, digest: Digest | None = KNOWN) -> str:
    return download(server.url, target, digest=digest, pause_s=0)


def _left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


@pytest.mark.parametrize("digest", [KNOWN, Digest("md5", hashlib.md5(CONTENT).hexdigest()), None])  # noqa: S324
def test_the_file_arrives_whole_and_alone(server: FileServer, target: Path, digest: Digest | None) -> None:
    assert _get(server, target, digest) == SHA256
    assert target.read_bytes() == CONTENT
    assert _left(target) == ["network.onnx"]


def test_progress_tells_what_is_there_and_what_there_will_be(server: FileServer, target: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    server.cuts = [100_000]
    download(server.url, target, digest=KNOWN, pause_s=0, progress=lambda done, total: steps.append((done, total)))
    assert {total for _, total in steps} == {len(CONTENT)}
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("digest", [KNOWN, None])
def test_what_broke_off_is_continued(server: FileServer, target: Path, digest: Digest | None) -> None:
    server.cuts = [100_000, 50_000]
    assert _get(server, target, digest) == SHA256
    assert server.requests == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_continues_too(server: FileServer, target: Path) -> None:
    server.cuts = [10_000] * ATTEMPTS
    with pytest.raises(ModelError, match=r"broke off 5 times.* 50,000 bytes are kept; the same command goes on"):
        _get(server, target)
    assert not target.exists()
    assert _get(server, target) == SHA256
    assert server.requests[-1] == "bytes=50000-"


@pytest.mark.parametrize("digest", [KNOWN, None])
def test_a_server_without_ranges_sends_all_again(server: FileServer, target: Path, digest: Digest | None) -> None:
    server.cuts, server.ranges = [100_000], False
    assert _get(server, target, digest) == SHA256
    assert target.read_bytes() == CONTENT


def test_of_unknown_digest_only_the_very_same_content_is_continued(server: FileServer, target: Path) -> None:
    server.cuts = [10_000] * ATTEMPTS
    with pytest.raises(ModelError, match="broke off"):
        _get(server, target, None)
    server.content, server.etag = CONTENT[::-1], '"second"'
    assert _get(server, target, None) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_of_unknown_digest_nothing_is_continued_without_proof(
    server: FileServer, target: Path, etag: str | None
) -> None:
    server.cuts, server.etag = [100_000], etag
    assert _get(server, target, None) == SHA256
    assert server.requests == [None, None]


@pytest.mark.parametrize("surplus", [b"", b"and more"])
def test_a_part_as_long_as_the_file_is_started_over(server: FileServer, target: Path, surplus: bytes) -> None:
    target.parent.mkdir()
    target.with_name("network.onnx.part").write_bytes(bytes(len(CONTENT)) + surplus)
    assert _get(server, target) == SHA256
    assert server.requests == [f"bytes={len(CONTENT) + len(surplus)}-", None]


def test_another_file_is_refused_and_not_kept(server: FileServer, target: Path) -> None:
    server.content = CONTENT[:-1] + b"!"
    with pytest.raises(ModelError, match=f"is not the file it should be: its sha256 is .* and not {SHA256}"):
        _get(server, target)
    assert _left(target) == []


def test_a_missing_file_is_not_asked_for_twice(server: FileServer, target: Path) -> None:
    server.statuses = [404]
    with pytest.raises(ModelError, match=r"answers 404 Not Found\. If the file has moved, fetch it yourself"):
        _get(server, target)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_in_trouble_is_asked_again(server: FileServer, target: Path, status: int) -> None:
    server.statuses = [status]
    assert _get(server, target) == SHA256


def test_a_server_that_is_not_there_is_named(server: FileServer, target: Path) -> None:
    with serve_file(b"") as gone:
        pass
    with pytest.raises(ModelError, match=f"{gone.url} broke off 5 times, the last time with: ConnectError"):
        _get(gone, target)


def test_what_is_there_already_is_not_fetched(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    assert _get(server, target) == SHA256
    assert not server.requests


def test_something_else_under_its_name_is_replaced(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"something else")
    assert _get(server, target) == SHA256
    assert target.read_bytes() == CONTENT


def test_two_downloads_do_not_write_one_part(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    with target.with_name("network.onnx.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="Another download is writing"):
            _get(server, target)


def test_a_folder_that_cannot_be_made_is_told(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be written: File exists"):
        _get(server, tmp_path / "file" / "network.onnx")
