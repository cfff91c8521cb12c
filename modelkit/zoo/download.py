"""Fetching one large file: resumed where it broke off, and nothing counts that does not have its digest."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from models import ModelError

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there, and with how many there will be where the server says so."""

ATTEMPTS = 5
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Digest:
    """What the content has to hash to: `Digest("sha256", "e2ea…")`; "md5" only where nothing better is stated."""

    algorithm: str
    value: str


class _Broken(Exception):
    """This attempt failed and another may not; the text says why."""


def download(
    url: str,
    target: Path,
    *,
    digest: Digest | None,
    progress: Progress = lambda done, total: None,
    pause_s: float = 1.0,
) -> str:
    """Bring the content of the URL into `target`, and return its SHA-256.

    What has arrived waits in `<target>.part` and is continued by the next attempt, in this call or a later one. A part
    of unknown digest is continued only if the server still has the very same content (ETag). `target` appears
    complete and checked, or not at all.

    Args:
        pause_s: before the second attempt; twice as long before each later one.

    Raises:
        ModelError: it cannot be had, or is not what the digest says.
    """
    if target.exists() and (digest is None or _hash(target, digest.algorithm) == digest.value):
        return _hash(target, "sha256")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_name(f"{target.name}.part")) as part:
            _complete(part, url, digest is not None, progress, pause_s)
            _check(part, url, digest)
            os.fsync(part.fileno())
            _etag(part).unlink(missing_ok=True)
            Path(part.name).replace(target)
    except OSError as error:
        raise ModelError(
            f"{target} cannot be written: {error.strerror}. Is there room, and may you write there?"
        ) from error
    return _hash(target, "sha256")


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    with path.open("ab+") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelError(f"Another download is writing {path}.") from error
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(part.fileno())):
            raise ModelError(f"Another download has just finished with {path}. Run the command again.")
        yield part


def _complete(part: BinaryIO, url: str, known: bool, progress: Progress, pause_s: float) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch(part, url, known, progress)
        except _Broken as broken:
            if attempt == ATTEMPTS:
                raise ModelError(
                    f"{url} broke off {ATTEMPTS} times, the last time with: {broken}. "
                    f"{part.tell():,} bytes are kept; the same command goes on from there."
                ) from broken
            time.sleep(pause_s * 2 ** (attempt - 1))
        else:
            return


def _fetch(part: BinaryIO, url: str, known: bool, progress: Progress) -> None:
    """One request: everything, or what is missing."""
    have = part.seek(0, os.SEEK_END)
    etag = _etag(part).read_text() if _etag(part).exists() else None
    headers = {"Accept-Encoding": "identity"}
    if have and (known or etag):
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": etag} if etag else {})
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_S) as response:
            _place(part, response, have)
            _remember(part, response)
            total = _total(part, response)
            progress(part.tell(), total)
            for chunk in response.iter_bytes():
                part.write(chunk)
                progress(part.tell(), total)
    except httpx.TransportError as error:
        raise _Broken(f"{type(error).__name__}: {error}") from error
    except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
        raise ModelError(f"{url} cannot be fetched: {error}") from error
    finally:
        part.flush()


def _place(part: BinaryIO, response: httpx.Response, have: int) -> None:
    """Put the part's end where the answer begins; raise where there is no content in it."""
    status = response.status_code
    if status == httpx.codes.OK:
        part.truncate(0)
    elif status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
        # The part is as long as the content, or longer. Nobody knows whether it is good, so from the start.
        part.truncate(0)
        raise _Broken("the server has no more than what is there")
    elif status == httpx.codes.PARTIAL_CONTENT:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.truncate(0)
            raise _Broken("the server sent another range than the one asked for")
    elif status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS:
        raise _Broken(f"status {status}")
    else:
        raise ModelError(
            f"{response.url} answers {status} {response.reason_phrase}. If the file has moved, fetch it yourself and "
            "run `python -m modelkit add FILE`."
        )
    part.seek(0, os.SEEK_END)


def _etag(part: BinaryIO) -> Path:
    return Path(f"{part.name}.etag")


def _remember(part: BinaryIO, response: httpx.Response) -> None:
    etag = response.headers.get("ETag", "")
    if etag.startswith('"'):  # a weak one does not prove the same bytes
        _etag(part).write_text(etag)
    else:
        _etag(part).unlink(missing_ok=True)


def _total(part: BinaryIO, response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return part.tell() + int(length) if length.isdecimal() else None


def _check(part: BinaryIO, url: str, digest: Digest | None) -> None:
    if digest is None:
        return
    found = _hash(Path(part.name), digest.algorithm)
    if found != digest.value:
        # Kept, it would be continued for ever.
        _etag(part).unlink(missing_ok=True)
        Path(part.name).unlink()
        raise ModelError(
            f"{url} is not the file it should be: its {digest.algorithm} is {found} and not {digest.value}. It was "
            "deleted. Try once more; if it stays so, the file was changed, and you should find out why."
        )


def _hash(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
