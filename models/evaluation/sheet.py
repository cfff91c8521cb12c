"""The worst and the typical cases to look at: picture, truth, and every network's cut-out, on magenta."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from imaging.compose import compose
from imaging.picture import Picture, Pixels
from models.evaluation.networks import Network
from models.evaluation.report import Judged
from models.evaluation.samples import Sample

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
    lines = [_line(_tiles(case, networks, judged)) for case in cases]
    sheet = Image.new("RGB", (lines[0].width, sum(line.height for line in lines)), "white")
    top = 0
    for line in lines:
        sheet.paste(line, (0, top))
        top += line.height
    sheet.save(file)


def _line(tiles: Sequence[tuple[str, Pixels]]) -> Image.Image:
    images = [(text, Image.fromarray(_tile(pixels))) for text, pixels in tiles]
    height = max(image.height for _, image in images)
    line = Image.new("RGB", ((_SIDE + _GAP) * len(tiles), _TEXT + height + _GAP), "white")
    for column, (text, image) in enumerate(images):
        left = column * (_SIDE + _GAP)
        ImageDraw.Draw(line).text((left, 0), text, fill="black")
        line.paste(image, (left, _TEXT))
    return line


def _tiles(case: Case, networks: Sequence[Network], judged: Sequence[Judged]) -> list[tuple[str, Pixels]]:
    picture, truth = case.sample.read()
    tiles = [
        (f"{case.why}: {case.sample.name}"[:_LETTERS], np.ascontiguousarray(picture.rgba[..., :3])),
        (f"truth ({case.sample.group})", on_magenta(picture, truth)),
    ]
    for network, result in zip(networks, judged, strict=True):
        scores = result.scores[case.sample.name]
        text = f"{network.name[:18]}  {scores.mae:.3f} / {scores.iou:.2f}"
        tiles.append((text, on_magenta(picture, network.matte(picture))))
    return tiles


def on_magenta(picture: Picture, matte: Pixels) -> Pixels:
    """The service's cut-out by a uint8 [H,W] matte, uint8 [H,W,3] over magenta."""
    cut = compose(Picture(picture.rgba.copy(), picture.has_alpha), matte)
    alpha = cut[..., 3:].astype(np.float32) / 255
    return np.asarray(np.rint(cut[..., :3] * alpha + np.array(MAGENTA, np.float32) * (1 - alpha)), np.uint8)


def _tile(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
