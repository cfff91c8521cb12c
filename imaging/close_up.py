"""Close-ups: parts of a picture that the model sees again, larger, and how they change its alpha.

The model sees the whole picture first, in one small square. If the subject leaves some of it free, the model sees the
subject alone then. If the picture is elongated and the alpha hazy, it sees square parts of it instead: models are not
trained on things that are squashed so much. docs/experiments.md has the figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from imaging.haze import haze_share
from imaging.levels import set_levels
from imaging.model_input import to_model_input
from imaging.picture import Picture, Pixels
from imaging.sampling import Plane
from imaging.small_components import drop_small_components

_SUBJECT = 100
"""Alpha (of 255) from which a pixel belongs to the subject."""
_MARGIN = 0.15
"""Of the subject's sides, on each of them."""
_MAX_AREA = 0.8
"""Share of the picture; a larger close-up would show the model what it has seen."""
_WEIGHT_SMALL, _WEIGHT_LARGE = 0.7, 0.5
"""Of a close-up of less than half of the picture, and of a larger one; the first alpha has the rest."""
_FADE = 0.06
"""Share of a close-up's side over which its weight falls to 0, at sides within the picture."""

_ELONGATED = 2.2
_MAX_PARTS = 8
_HAZY = 0.05
"""Haze share from which an elongated picture is seen in parts."""

_LEAST = 0.004
"""Alpha as a chance lies between this and its opposite, so that its logit is finite."""

_UNSURE = np.float32(1e-6)
"""Keeps the weight of a logit of 0 above 0."""

EXPECTED_PASSES = 1.6
"""Pictures per picture that the model sees, on average of photographs."""


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A part of the picture, its sides in pixels of the alpha [S,S] that the model gave for the whole picture.

    Attributes:
        weight: of its alpha, 0..1.
        fade: share of each side within the picture over which the weight falls to 0.
    """

    left: int
    top: int
    right: int
    bottom: int
    weight: float
    fade: float


def close_ups(picture: Picture, alpha: Pixels) -> tuple[CloseUp, ...]:
    """The parts of a picture that the model should see again, after it gave uint8 alpha [S,S]; often none."""
    cleaned = drop_small_components(set_levels(alpha))
    elongation = max(picture.width / picture.height, picture.height / picture.width)
    if elongation > _ELONGATED and haze_share(cleaned) > _HAZY:
        return _parts(elongation, alpha.shape[0], is_wide=picture.width > picture.height)
    return _subject(cleaned)


def close_up_input(picture: Picture, part: CloseUp, size: int, alpha_size: int) -> Pixels:
    """A part stretched to uint8 [size,size,3], as the model's input; it was found in alpha of `alpha_size`."""
    left, right = (round(side * picture.width / alpha_size) for side in (part.left, part.right))
    top, bottom = (round(side * picture.height / alpha_size) for side in (part.top, part.bottom))
    rows = slice(min(top, picture.height - 1), max(bottom, top + 1))
    columns = slice(min(left, picture.width - 1), max(right, left + 1))
    # A view, no copy: its rows lie apart, which scaling takes and other steps may not.
    return to_model_input(Picture(picture.rgba[rows, columns], picture.has_alpha), size)


def merge_close_ups(alpha: Pixels, seen: Iterable[tuple[CloseUp, Pixels]]) -> Pixels:
    """The whole picture's uint8 alpha [S,S] with that of close-ups, uint8 [s,s].

    The mean of the logits, by the close-ups' weights and by how sure each alpha is: half transparent by one and solid
    by another becomes nearly solid.
    """
    seen = list(seen)
    if not seen:
        return alpha
    size = alpha.shape[0]
    region = (
        slice(min(part.top for part, _ in seen), max(part.bottom for part, _ in seen)),
        slice(min(part.left for part, _ in seen), max(part.right for part, _ in seen)),
    )
    first = alpha[region]
    weights = [_weights(part, size)[region] for part, _ in seen]
    rest = np.clip(1 - sum(weights, np.zeros(first.shape, np.float32)), 0, 1)
    total, certainty = np.zeros((2, *first.shape), np.float32)
    logits = (_placed(part, each, size)[region] for part, each in seen)
    for weight, logit in zip([rest, *weights], [_LOGITS[first], *logits], strict=True):
        sure = weight * np.sqrt(np.abs(logit) + _UNSURE)
        total += sure * logit
        certainty += sure
    merged = alpha.copy()
    merged[region] = np.where(rest < 1, _levels(total / certainty), first)
    return merged


def _subject(cleaned: Pixels) -> tuple[CloseUp, ...]:
    """The subject and some of what is around it, unless that is most of the picture."""
    left, top, width, height = cv2.boundingRect((cleaned > _SUBJECT).astype(np.uint8))
    if not width:
        return ()
    size = cleaned.shape[0]
    across, down = round(width * _MARGIN), round(height * _MARGIN)
    left, right = max(left - across, 0), min(left + width + across, size)
    top, bottom = max(top - down, 0), min(top + height + down, size)
    area = (right - left) * (bottom - top) / size**2
    weight = _WEIGHT_SMALL if area < 0.5 else _WEIGHT_LARGE
    return (CloseUp(left, top, right, bottom, weight, _FADE),) if area < _MAX_AREA else ()


def _parts(elongation: float, size: int, *, is_wide: bool) -> tuple[CloseUp, ...]:
    """Nearly square parts one after another, each half over the next, so that their weights add up to 1."""
    count = min(int(2 * elongation) - 1, _MAX_PARTS)
    ends = [round(place * size / (count + 1)) for place in range(count + 2)]
    spans = [(ends[place], ends[place + 2]) for place in range(count)]
    if is_wide:
        return tuple(CloseUp(begin, 0, end, size, 1.0, 0.5) for begin, end in spans)
    return tuple(CloseUp(0, begin, size, end, 1.0, 0.5) for begin, end in spans)


def _weights(part: CloseUp, size: int) -> Plane:
    """A close-up's weight at each pixel of the alpha, float32 [S,S]."""
    weights = np.zeros((size, size), np.float32)
    across = _ramp(part.left, part.right, size, part.fade)
    down = _ramp(part.top, part.bottom, size, part.fade)
    weights[part.top : part.bottom, part.left : part.right] = part.weight * np.outer(down, across)
    return weights


def _ramp(begin: int, end: int, size: int, fade: float) -> Plane:
    """1, and towards the ends less, unless they are the picture's; float32 [end - begin]."""
    places = np.arange(end - begin, dtype=np.float32) + np.float32(0.5)
    reach = max(fade * (end - begin), 1.0)
    rise = places / reach if begin > 0 else np.ones_like(places)
    fall = places[::-1] / reach if end < size else np.ones_like(places)
    return np.minimum(np.minimum(rise, fall), 1)


def _placed(part: CloseUp, alpha: Pixels, size: int) -> Plane:
    """A close-up's logits where it is in the whole picture, float32 [S,S]."""
    width, height = part.right - part.left, part.bottom - part.top
    placed = np.zeros((size, size), np.float32)
    smaller = width < alpha.shape[1] and height < alpha.shape[0]
    placed[part.top : part.bottom, part.left : part.right] = cv2.resize(
        _LOGITS[alpha], (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
    return placed


def _levels(logits: Plane) -> Pixels:
    """Alpha of logits: the inverse of `_LOGITS`, uint8."""
    chances = 1 / (1 + np.exp(-logits))
    return np.clip(np.rint((chances - _LEAST) * (255 / (1 - 2 * _LEAST))), 0, 255).astype(np.uint8)


def _logits() -> Plane:
    chances = _LEAST + (1 - 2 * _LEAST) * np.arange(256) / 255
    return np.asarray(np.log(chances / (1 - chances)), np.float32)


_LOGITS = _logits()
