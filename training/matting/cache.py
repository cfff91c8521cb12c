"""Pictures decoded once into one array of squares, which fits a GPU and is mapped from disk on a CPU."""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.matting.records import DataError, Kind, Record
from training.matting.soft_edges import soften

FORM = 1
"""Part of the name of a cache: raised when what is in one changes."""

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as shares of the picture's sides."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a picture beside its pixels.

    Attributes:
        aspect: width by height of the picture before it became a square.
        box: smallest box around alpha over a half; the whole picture where there is none.
        head: where the upper fifth of that box has its centre, as a share of the width.
        free: a box with nothing of the object in it, to serve as background; none where there is no good one.
    """

    file: str
    kind: Kind
    group: str
    hard: bool
    person: bool
    aspect: float
    box: Box
    head: float
    free: Box | None


@dataclass(frozen=True)
class Cache:
    """Pictures and what is known of them: `pixels` uint8 [N,4,S,S], red, green, blue, alpha."""

    pixels: Tensor
    entries: Sequence[Entry]

    def on(self, device: torch.device) -> "Cache":
        """The same with its pixels on `device`."""
        return Cache(self.pixels.to(device), self.entries)


def open_cache(
    records: Sequence[Record], data: Path, folder: Path, *, side: int, soften_hard: bool, seen: Callable[[int], None]
) -> Cache:
    """The cache of these pictures in `folder`, made first where it is missing; `seen` gets each picture's number.

    The name of a cache is a digest of what it was made from, so that another choice of pictures gets another one.
    """
    made_from = [FORM, side, soften_hard, [_stamp(record, data) for record in records]]
    name = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]
    pixels, table = folder / f"{name}.npy", folder / f"{name}.json"
    if not table.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(records, data, pixels, table, side=side, soften_hard=soften_hard, seen=seen)
    entries = [_entry(row) for row in json.loads(table.read_text())]
    # Copy on write: torch wants memory that it may write to.
    return Cache(torch.from_numpy(np.load(pixels, mmap_mode="c")), entries)


def _stamp(record: Record, data: Path) -> tuple[str, int, str, bool]:
    return record.picture.relative_to(data).as_posix(), record.picture.stat().st_size, record.group, record.hard


def _entry(row: dict[str, Any]) -> Entry:
    row |= {"kind": Kind(row["kind"]), "box": tuple(row["box"]), "free": tuple(row["free"]) if row["free"] else None}
    return Entry(**row)


def _make(
    records: Sequence[Record],
    data: Path,
    pixels: Path,
    table: Path,
    *,
    side: int,
    soften_hard: bool,
    seen: Callable[[int], None],
) -> None:
    begun = pixels.with_suffix(".part")
    array = np.lib.format.open_memmap(begun, mode="w+", dtype=np.uint8, shape=(len(records), 4, side, side))

    def decode(number: int) -> Entry:
        record = records[number]
        colour, alpha = read(record)
        square, alpha_square = (_resized(pixels, (side, side)) for pixels in (colour, alpha))
        if record.hard and soften_hard:
            alpha_square = _softened(square, alpha_square)
        array[number] = np.dstack((square, alpha_square)).transpose(2, 0, 1)
        return _described(record, data, colour.shape[1] / colour.shape[0], alpha_square)

    rows = []
    with ThreadPoolExecutor() as threads:
        for number, entry in enumerate(threads.map(decode, range(len(records)))):
            rows.append(asdict(entry))
            seen(number)
    array.flush()
    begun.replace(pixels)
    # Last, for it is what says that the cache is whole.
    table.write_text(json.dumps(rows))


def read(record: Record) -> tuple[Pixels, Pixels]:
    """RGB [H,W,3] and alpha [H,W]. Raises DataError. Colour under alpha 0 is that of the nearest opaque pixels."""
    flags = cv2.IMREAD_UNCHANGED if record.kind is Kind.CUTOUT else cv2.IMREAD_COLOR
    picture = _read(record.picture, flags)
    if record.kind is Kind.CUTOUT:
        if picture.ndim != 3 or picture.shape[2] != 4:
            raise DataError(f"{record.picture} has no alpha of its own.")
        return bleed(picture[:, :, 2::-1], picture[:, :, 3]), picture[:, :, 3]
    colour = picture[:, :, ::-1]
    if record.alpha is None:
        return colour, np.zeros(colour.shape[:2], np.uint8)
    alpha = _read(record.alpha, cv2.IMREAD_UNCHANGED)
    alpha = alpha if alpha.ndim == 2 else alpha[:, :, -1]
    if alpha.shape != colour.shape[:2]:
        alpha = _resized(alpha, colour.shape[1::-1])
    return colour, alpha


def _read(file: Path, flags: int) -> Pixels:
    pixels = cv2.imread(str(file), flags)
    if pixels is None or pixels.dtype != np.uint8:
        raise DataError(f"{file} is not a readable 8-bit picture.")
    return pixels.astype(np.uint8, copy=False)


def _resized(pixels: Pixels, size: tuple[int, ...]) -> Pixels:
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def bleed(colour: Pixels, alpha: Pixels) -> Pixels:
    """Fill what is transparent with the colour of what is opaque near it, so that resizing mixes in no foreign one.

    Means weighted by alpha over ever larger areas; a pixel takes the first that has any weight.
    """
    weight = alpha.astype(np.float32)[:, :, None] / 255
    filled = colour.astype(np.float32) * weight
    known = weight.copy()
    small_colour: NDArray[Any] = filled
    small_weight: NDArray[Any] = weight
    while min(small_colour.shape[:2]) > 1:
        size = (max(1, small_colour.shape[1] // 2), max(1, small_colour.shape[0] // 2))
        small_colour = cv2.resize(small_colour, size, interpolation=cv2.INTER_AREA)
        small_weight = cv2.resize(small_weight, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 1)
        full = colour.shape[1::-1]
        missing = np.clip(1 - known, 0, 1) * 1e-3
        filled += missing * cv2.resize(small_colour, full, interpolation=cv2.INTER_LINEAR)
        known += missing * cv2.resize(small_weight, full, interpolation=cv2.INTER_LINEAR).reshape(known.shape)
    fill = filled / np.maximum(known, 1e-12)
    return np.where(alpha[:, :, None] > 0, colour, np.clip(fill, 0, 255)).astype(np.uint8)


def _softened(colour: Pixels, mask: Pixels) -> Pixels:
    picture = torch.from_numpy(np.ascontiguousarray(colour.transpose(2, 0, 1))).float().unsqueeze(0) / 255
    hard = torch.from_numpy(mask).float().reshape(1, 1, *mask.shape) / 255
    soft: Pixels = soften(picture, hard)[0, 0].mul(255).round().byte().numpy()
    return soft


def _described(record: Record, data: Path, aspect: float, alpha: Pixels) -> Entry:
    around = _around(alpha)
    return Entry(
        file=record.picture.relative_to(data).as_posix(),
        kind=record.kind,
        group=record.group,
        hard=record.hard,
        person=record.person,
        aspect=aspect,
        box=around,
        head=_head(alpha, around),
        free=(0.0, 0.0, 1.0, 1.0)
        if record.kind is Kind.BACKGROUND
        else _free(alpha)
        if record.kind is Kind.PHOTO
        else None,
    )


def _around(alpha: Pixels) -> Box:
    rows, columns = (np.flatnonzero((alpha >= 128).any(axis)) for axis in (1, 0))
    if not len(rows):
        return 0.0, 0.0, 1.0, 1.0
    side = len(alpha)
    return float(columns[0]) / side, float(rows[0]) / side, (columns[-1] + 1.0) / side, (rows[-1] + 1.0) / side


def _head(alpha: Pixels, around: Box) -> float:
    side = len(alpha)
    top, bottom = round(around[1] * side), round(around[3] * side)
    upper = alpha[top : top + max(1, (bottom - top) // 5)].astype(np.float64)
    return float((upper.sum(0) * (np.arange(side) + 0.5)).sum() / max(upper.sum(), 1e-9) / side)


FREE_SIZES = (0.9, 0.7, 0.55, 0.4)


def _free(alpha: Pixels) -> Box | None:
    """The largest square of a few sizes in which alpha stays under 1 %: the first that is found, top left first."""
    side = len(alpha)
    total = cv2.integral((alpha > 2).astype(np.uint8))
    for size in FREE_SIZES:
        pixels = round(size * side)
        places = np.arange(0, side - pixels + 1, max(1, side // 32))
        y, x = np.meshgrid(places, places, indexing="ij")
        inside = total[y + pixels, x + pixels] - total[y, x + pixels] - total[y + pixels, x] + total[y, x]
        clear = np.argwhere(inside == 0)
        if len(clear):
            row, column = clear[len(clear) // 2]
            x0, y0 = float(places[column]) / side, float(places[row]) / side
            return x0, y0, x0 + size, y0 + size
    return None
