"""Training data in parts small enough to send: pictures scaled down once, in archives of a bounded size.

A machine with a GPU may be reachable only in transfers of so many megabytes. Each part is a tar file that stands for
itself; the index beside them names every part with its digest, so that `unpack` knows when all are there.
"""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import cv2

from training.matting.records import SETS, DataError, Record, find
from training.matting.run import replaced, sha256

INDEX = "index.json"
END = 2 * tarfile.RECORDSIZE
"""Room for the zeros that end an archive and fill it up to whole records."""
EXTRAS = ("weights/backbones/*.npz",)
"""What a run needs beside pictures: the encoder's first weights."""


def pack(
    data: Path,
    out: Path,
    *,
    side: int,
    quality: int,
    megabytes: float,
    permissive_only: bool,
    seen: Callable[[int, int], None],
) -> list[Path]:
    """Write `part-00.tar`, `part-01.tar`, … of at most `megabytes` (10^6 bytes) and an index; returns the parts.

    Pictures whose longer side is over `side` are scaled down to it. `seen` gets files done and files in all.
    Raises DataError when the data cannot be trained on or a single file is larger than a part.
    """
    records = find(data, permissive_only=permissive_only)
    room = int(megabytes * 1e6)
    out.mkdir(parents=True, exist_ok=True)
    parts: list[Path] = []
    for content in _bins(_members(data, records, side, quality, seen), room):
        parts.append(out / f"part-{len(parts):02}.tar")
        replaced(parts[-1], partial(_put, content))
    index = {"side": side, "parts": {part.name: sha256(part) for part in parts}}
    replaced(out / INDEX, partial(_put, (json.dumps(index, indent=2) + "\n").encode()))
    return parts


def _put(content: bytes, stream: BinaryIO) -> None:
    stream.write(content)


def unpack(parts: Path, out: Path) -> int:
    """Put a packed data folder together from the folder of its parts; returns the number of files.

    Parts that were unpacked there before are passed over, so it can be called as parts arrive. Raises DataError when
    a part is damaged, and when any is still missing after the others were unpacked.
    """
    try:
        digests: dict[str, str] = json.loads((parts / INDEX).read_bytes())["parts"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{parts} has no {INDEX} that names its parts: {error}") from error
    missing, count = [], 0
    for name, digest in digests.items():
        done = out / f".{name}.done"
        if not done.exists():
            if not (parts / name).exists():
                missing.append(name)
                continue
            if sha256(parts / name) != digest:
                raise DataError(f"{parts / name} is damaged: its SHA-256 is not that of {INDEX}.")
            count += _extract(parts / name, out)
            done.write_text(digest)
    if missing:
        raise DataError(f"Still missing: {', '.join(missing)}. Unpack again when they are there.")
    return count


def _extract(part: Path, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(part) as archive:
        archive.extractall(out, filter="data")
        return len(archive.getmembers())


def _members(
    data: Path, records: list[Record], side: int, quality: int, seen: Callable[[int, int], None]
) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that is sent; manifests and weights first."""
    kept = {record.picture for record in records}
    for name in SETS:
        if (manifest := data / name / "manifest.csv").exists():
            yield f"{name}/manifest.csv", _manifest(manifest, kept)
    for pattern in EXTRAS:
        for file in sorted(data.glob(pattern)):
            yield file.relative_to(data).as_posix(), file.read_bytes()
    # Once each: the alpha of a scene is a file of another picture too.
    files = dict.fromkeys(file for record in records for file in (record.picture, record.alpha) if file)
    for number, file in enumerate(files, start=1):
        yield file.relative_to(data).as_posix(), _scaled(file, side, quality)
        seen(number, len(files))


def _manifest(manifest: Path, kept: set[Path]) -> bytes:
    """The manifest's rows whose pictures are sent, header included."""
    with manifest.open(newline="") as file:
        header, *lines = csv.reader(file)
    place = header.index("file")
    rows = [line for line in lines if manifest.parent / line[place] in kept]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


def _scaled(file: Path, side: int, quality: int) -> bytes:
    """The file scaled down in its own format; one that is small enough already as it is.

    Cut-outs are mostly WebP without loss; with a little loss of colour, and none of alpha, they take a third.
    """
    content = file.read_bytes()
    pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DataError(f"{file} is not a readable picture.")
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        pixels = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    elif file.suffix != ".webp":
        return content
    options = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality], ".webp": [cv2.IMWRITE_WEBP_QUALITY, quality]}
    encoded = cv2.imencode(file.suffix, pixels, options.get(file.suffix, []))[1].tobytes()
    return encoded if scale < 1 else min(content, encoded, key=len)


def _bins(members: Iterator[tuple[str, bytes]], room: int) -> Iterator[bytes]:
    """Tar archives of at most `room` bytes, filled in order."""
    waiting: list[tuple[str, bytes]] = []
    filled = END
    for name, content in members:
        size = tarfile.BLOCKSIZE * (1 - -len(content) // tarfile.BLOCKSIZE)
        if size + END > room:
            raise DataError(f"{name} has {len(content)} bytes and fits no part of {room}.")
        if filled + size > room:
            yield _archive(waiting)
            waiting, filled = [], END
        waiting.append((name, content))
        filled += size
    yield _archive(waiting)


def _archive(members: list[tuple[str, bytes]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
