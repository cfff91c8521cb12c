"""Small PNG files of our own, of every kind that PngSuite has: sound ones, and broken ones that must be refused."""

import struct
import zlib
from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tests.imaging.samples import png_chunk

Samples = NDArray[np.uint16]
Line = NDArray[np.int_]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
NAMES = {GREY: "grey", RGB: "rgb", PALETTE: "palette", GREY_ALPHA: "grey-alpha", RGBA: "rgba"}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, steps down and across (W3C PNG §8.1)."""


def samples(width: int, height: int, colour: int, depth: int, seed: int = 1) -> Samples:
    """A pattern over the whole range of the depth, [H,W,channels]."""
    down, across = np.mgrid[:height, :width]
    channels = [(down * (3 + each) + across * (5 - each) + seed) * 4099 for each in range(CHANNELS[colour])]
    return (np.dstack(channels) % (1 << depth)).astype(np.uint16)


def palette(depth: int) -> bytes:
    """As many colours as the depth can name."""
    at = np.arange(1 << depth)
    return np.dstack([at * 37 % 256, 255 - at * 11 % 256, at * 73 % 256]).astype(np.uint8).tobytes()


def png(
    pixels: Samples,
    colour: int,
    depth: int,
    *,
    interlaced: bool = False,
    filters: tuple[int, ...] = (0,),
    before: bytes = b"",
    after: bytes = b"",
    level: int = 6,
    idat: int = 1 << 20,
) -> bytes:
    """The file; `filters` are used in turn, line by line; `before` and `after` are chunks around the pixels."""
    height, width = pixels.shape[:2]
    passes = [pixels[row::down, column::across] for row, column, down, across in ADAM7] if interlaced else [pixels]
    lines = b"".join(_filtered(each, depth, filters) for each in passes if each.size)
    data = zlib.compress(lines, level)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    chunks = b"".join(png_chunk(b"IDAT", data[at : at + idat]) for at in range(0, len(data), idat))
    colours = png_chunk(b"PLTE", palette(depth)) if colour == PALETTE else b""
    return SIGNATURE + header + colours + before + chunks + after + png_chunk(b"IEND", b"")


def _filtered(pixels: Samples, depth: int, filters: tuple[int, ...]) -> bytes:
    lines = _packed(pixels, depth).astype(int)
    step = max(pixels.shape[2] * depth // 8, 1)
    above = np.zeros_like(lines[0])
    result = bytearray()
    for number, line in enumerate(lines):
        kind = filters[number % len(filters)]
        left, corner = (np.concatenate([np.zeros(step, int), each])[: len(each)] for each in (line, above))
        result += bytes([kind]) + ((line - _predicted(kind, left, above, corner)) % 256).astype(np.uint8).tobytes()
        above = line
    return bytes(result)


def _predicted(kind: int, left: Line, above: Line, corner: Line) -> Line:
    """None, Sub, Up, Average, Paeth (W3C PNG §9.2)."""
    nearest = np.stack([left, above, corner])
    paeth = np.take_along_axis(nearest, np.abs(nearest - (left + above - corner)).argmin(axis=0)[None], 0)[0]
    lines: list[Line] = [left * 0, left, above, (left + above) // 2, paeth]
    return lines[kind]


def _packed(pixels: Samples, depth: int) -> NDArray[np.uint8]:
    height = len(pixels)
    flat = pixels.reshape(height, -1)
    if depth == 16:
        return np.frombuffer(flat.astype(">u2").tobytes(), np.uint8).reshape(height, -1)
    bits = np.unpackbits(flat.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :]
    return np.packbits(bits.reshape(height, -1), axis=1)


def sound() -> Iterator[tuple[str, bytes]]:
    """Names and files that every browser shows."""
    yield from _basic()
    yield from _sizes()
    yield from _transparent()
    yield from _gamma()
    yield from _written()
    yield from _ancillary()


def _basic() -> Iterator[tuple[str, bytes]]:
    for (colour, depths), interlaced in product(DEPTHS.items(), (False, True)):
        for depth in depths:
            name = f"{NAMES[colour]}-{depth}{'-interlaced' * interlaced}"
            yield name, png(samples(13, 11, colour, depth), colour, depth, interlaced=interlaced)


def _sizes() -> Iterator[tuple[str, bytes]]:
    for side, interlaced in product((1, 2, 3, 4, 5, 6, 7, 8, 9, 17), (False, True)):
        pixels = samples(side, side, PALETTE, 4)
        yield f"side-{side}{'-interlaced' * interlaced}", png(pixels, PALETTE, 4, interlaced=interlaced)


def _transparent() -> Iterator[tuple[str, bytes]]:
    """One grey or one colour, or the first of a palette; and a ground that nobody draws."""
    keys = {(GREY, 1): [1], (GREY, 4): [7], (GREY, 8): [100], (GREY, 16): [25_000]}
    for (colour, depth), key in (keys | {(RGB, 8): [3, 2, 1], (RGB, 16): [3, 2, 1]}).items():
        pixels = samples(13, 11, colour, depth)
        pixels[3:6, 4:9] = key
        chunk = png_chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
        yield f"key-{NAMES[colour]}-{depth}", png(pixels, colour, depth, before=chunk)
    for depth in (1, 4, 8):
        chunk = png_chunk(b"tRNS", bytes(range(0, 250, 60))[: 1 << depth])
        yield f"key-palette-{depth}", png(samples(13, 11, PALETTE, depth), PALETTE, depth, before=chunk)
    for colour, ground in {GREY: bytes(2), GREY_ALPHA: b"\0\x7f", RGB: bytes(6), RGBA: b"\0\xff\0\x80\0\1"}.items():
        chunk = png_chunk(b"bKGD", ground)
        yield f"ground-{NAMES[colour]}", png(samples(13, 11, colour, 8), colour, 8, before=chunk)
    yield "ground-palette", png(samples(13, 11, PALETTE, 4), PALETTE, 4, before=png_chunk(b"bKGD", b"\3"))


def _gamma() -> Iterator[tuple[str, bytes]]:
    """Not of 16 bits, which Chromium makes 8 before it applies gamma."""
    for gamma, (colour, depth) in product(
        (35, 43, 44, 45, 47, 48, 55, 70, 100, 250), ((GREY, 8), (RGB, 8), (PALETTE, 4))
    ):
        chunk = png_chunk(b"gAMA", struct.pack(">I", gamma * 1000))
        plain = png(samples(13, 11, colour, depth), colour, depth)
        yield f"gamma-{gamma}-{NAMES[colour]}", plain[:33] + chunk + plain[33:]


def _written() -> Iterator[tuple[str, bytes]]:
    """Filters, levels of compression, and pieces."""
    for colour, depth in ((GREY, 8), (RGB, 8), (RGBA, 16), (GREY, 2)):
        for filters in ((0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)):
            name = f"filter-{'-'.join(map(str, filters))}-{NAMES[colour]}-{depth}"
            yield name, png(samples(13, 11, colour, depth), colour, depth, filters=filters)
    for level in (0, 3, 6, 9):
        yield f"level-{level}", png(samples(13, 11, RGB, 8), RGB, 8, level=level)
    for size in (1, 2, 7):
        yield f"pieces-of-{size}", png(samples(13, 11, GREY, 16), GREY, 16, idat=size)


def _ancillary() -> Iterator[tuple[str, bytes]]:
    suggested = b"six\0\x08" + bytes(range(24))
    chunks = {
        "aspect": png_chunk(b"pHYs", struct.pack(">IIB", 1, 4, 0)),
        "metres": png_chunk(b"pHYs", struct.pack(">IIB", 1000, 1000, 1)),
        "significant-bits": png_chunk(b"sBIT", b"\5\6\5"),
        "suggested-palette": png_chunk(b"sPLT", suggested),
        "palette-of-rgb": png_chunk(b"PLTE", palette(4)),
        "time": png_chunk(b"tIME", struct.pack(">HBBBBB", 2000, 1, 1, 12, 34, 56)),
        "text": png_chunk(b"tEXt", b"Title\0A picture"),
        "compressed-text": png_chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"A picture")),
        "international-text": png_chunk(b"iTXt", b"Title\0\0\0en\0\0" + "Ελληνικά".encode()),
        "unknown": png_chunk(b"abCd", b"whatever"),
    }
    pixels = samples(13, 11, RGB, 8)
    for name, chunk in chunks.items():
        yield name, png(pixels, RGB, 8, before=chunk)
    for name in ("time", "text", "compressed-text", "international-text"):
        yield f"{name}-after", png(pixels, RGB, 8, after=chunks[name])
    histogram = png_chunk(b"hIST", struct.pack(">16H", *range(16)))
    yield "histogram", png(samples(13, 11, PALETTE, 4), PALETTE, 4, before=histogram)


def broken() -> Iterator[tuple[str, bytes]]:
    """Names and files that must be refused."""
    body = png(samples(13, 11, GREY, 8), GREY, 8)
    for at, wrong in ((0, 0x88), (1, 0x50 ^ 0x20), (3, 0x4E), (4, 0x0A)):
        yield f"signature-{at}", body[:at] + bytes([wrong]) + body[at + 1 :]
    yield "lines-as-on-unix", body.replace(b"\r\n", b"\n")
    yield "lines-as-on-dos", body.replace(b"\n", b"\r\n")
    yield "seven-bits", bytes(each & 0x7F for each in body)
    for colour in (1, 5, 9):
        yield f"colour-type-{colour}", _with_header(body, depth=8, colour=colour)
    for depth in (0, 3, 99):
        yield f"depth-{depth}", _with_header(body, depth=depth, colour=GREY)
    yield "no-pixels", body[:33] + png_chunk(b"IEND", b"")
    yield "header-checksum", body[:32] + bytes([body[32] ^ 1]) + body[33:]
    yield "pixel-checksum", body[:-13] + bytes([body[-13] ^ 1]) + body[-12:]
    yield "half", body[: len(body) // 2]


def _with_header(body: bytes, *, depth: int, colour: int) -> bytes:
    header = png_chunk(b"IHDR", body[16:24] + bytes((depth, colour, 0, 0, 0)))
    return body[:8] + header + body[33:]
