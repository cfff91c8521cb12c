"""The worst and the typical cases to look at: picture, truth, and every network's cut-out, on magenta."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imaging import Decontamination, Picture, Pixels, compose
from modelkit.evaluation.networks import Network
from modelkit.evaluation.report import Judged
from modelkit.evaluation.samples import Sample

MAGENTA = (255, 0, 255)
_SIDE, _TEXT, _GAP, _LETTERS = 240, 14, 4, 38


@dataclass(frozen=True, slots=True)
class Case:
    """A sample to look at, and why: "worst" or "typical"."""

    sample: Sample
    why: str


def choose_cases(samples: Sequence[Sample], judged: Judged, count: int) -> list[Case]:
    """Up to `count` samples of the largest mean absolute error, worst first, and as many nearest to its median."""
    ranked = sorted(samples, key=lambda sample: (-judged.scores[sample.name].mae, sample.name))
    worst, rest = ranked[:count], ranked[count:]
    median = judged.scores[ranked[len(ranked) // 2].name].mae
    typical = sorted(rest, key=lambda sample: (abs(judged.scores[sample.name].mae - median), sample.name))[:count]
    return [Case(each, "worst") for each in worst] + [Case(each, "typical") for each in typical]


def save_sheet(file: Path, cases: Sequence[Case], networks: Sequence[Network], judged: Sequence[Judged]) -> None:
    """A PNG: one line per case; columns for picture, truth, and each network with its MAE and IoU."""
    save_lines(file, [line(_tiles(case, networks, judged)) for case in cases])


def save_lines(file: Path, lines: Sequence[Image.Image]) -> None:
    """A picture file of lines below each other."""
    sheet = Image.new("RGB", (lines[0].width, sum(each.height for each in lines)), "white")
    top = 0
    for each in lines:
        sheet.paste(each, (0, top))
        top += each.height
    sheet.save(file)


def line(tiles: Sequence[tuple[str, Pixels]]) -> Image.Image:
    """Pictures beside each other at the size of a sheet, a text above each."""
    images = [(text, Image.fromarray(_tile(pixels))) for text, pixels in tiles]
    height = max(image.height for _, image in images)
    drawn = Image.new("RGB", ((_SIDE + _GAP) * len(tiles), _TEXT + height + _GAP), "white")
    for column, (text, image) in enumerate(images):
        left = column * (_SIDE + _GAP)
        ImageDraw.Draw(drawn).text((left, 0), text, fill="black")
        drawn.paste(image, (left, _TEXT))
    return drawn


def _tiles(case: Case, networks: Sequence[Network], judged: Sequence[Judged]) -> list[tuple[str, Pixels]]:
    picture, truth = case.sample.read()
    tiles = [
        (f"{case.why}: {case.sample.name}"[:_LETTERS], np.ascontiguousarray(picture.rgba[..., :3])),
        (f"truth ({case.sample.group})", over(cut_out(picture, truth), MAGENTA)),
    ]
    for network, result in zip(networks, judged, strict=True):
        scores = result.scores[case.sample.name]
        text = f"{network.name[:18]}  {scores.mae:.3f} / {scores.iou:.2f}"
        tiles.append((text, over(cut_out(picture, network.matte(picture)), MAGENTA)))
    return tiles


def cut_out(picture: Picture, matte: Pixels) -> Pixels:
    """The service's cut-out by a finished uint8 [H,W] matte: uint8 [H,W,4], straight alpha."""
    copy = Picture(picture.rgba.copy(), picture.has_alpha)
    return compose(copy, matte, Decontamination(copy, matte))


def reduced(rgba: Pixels) -> Pixels:
    """A picture with alpha at the size of a tile, uint8 [h,w,4]; what is transparent lends its colour to nothing."""
    opacity = rgba[..., 3:].astype(np.float32) / 255
    small = _tile(np.concatenate([rgba[..., :3] * opacity, opacity * 255], axis=2))
    return np.asarray(
        np.rint(np.dstack([small[..., :3] / np.maximum(small[..., 3:] / 255, 1e-6), small[..., 3:]]).clip(0, 255)),
        np.uint8,
    )


def over(cut: Pixels, colour: tuple[int, int, int]) -> Pixels:
    """A cut-out on an even ground, uint8 [H,W,3]."""
    alpha = cut[..., 3:].astype(np.float32) / 255
    return np.asarray(np.rint(cut[..., :3] * alpha + np.array(colour, np.float32) * (1 - alpha)), np.uint8)


def _tile(pixels: NDArray[Any]) -> NDArray[Any]:
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
