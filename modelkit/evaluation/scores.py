"""Every measure of one matte, and their means over many."""

import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

import numpy as np
from py_sod_metrics import Smeasure, WeightedFmeasure

from imaging import Pixels, haze_share
from modelkit.evaluation import matting_errors
from modelkit.evaluation.mask_overlap import boundary_iou, intersection_over_union


@dataclass(frozen=True, slots=True)
class Scores:
    """What a matte, or a group of mattes, is worth.

    Errors, best 0: `mae`, `mse` and `soft_mse` (where the truth is soft; NaN without such a place) of
    alpha in 0..1; `sad`, `gradient` and `connectivity` summed over the whole picture, in thousands.

    Likeness, best 1: `iou` and `boundary_iou` of alpha cut at one half, `s_measure` (Fan et al., ICCV 2017) and
    `weighted_f` (Margolin et al., CVPR 2014) of soft alpha against the truth cut at one half.

    Of the matte alone, best small: `haze`, the share of it that is half transparent and wide (`imaging/haze.py`).
    """

    mae: float
    mse: float
    soft_mse: float
    sad: float
    gradient: float
    connectivity: float
    iou: float
    boundary_iou: float
    s_measure: float
    weighted_f: float
    haze: float


ERRORS = ("mae", "mse", "soft_mse", "sad", "gradient", "connectivity", "haze")
"""Measures that are best when small; the rest are best when large."""


def score(matte: Pixels, truth: Pixels) -> Scores:
    """Judge a uint8 [H,W] matte by the true one."""
    alpha, true = matte / 255.0, truth / 255.0
    mask, true_mask = matte >= 128, truth >= 128
    return Scores(
        mae=matting_errors.mean_absolute(alpha, true),
        mse=matting_errors.mean_squared(alpha, true),
        soft_mse=matting_errors.soft_band(alpha, true),
        sad=matting_errors.sum_absolute(alpha, true),
        gradient=matting_errors.gradient(alpha, true),
        connectivity=matting_errors.connectivity(alpha, true),
        iou=intersection_over_union(mask, true_mask),
        boundary_iou=boundary_iou(mask, true_mask),
        # Called below the library's own entrance, which would stretch every matte to 0..1 first.
        s_measure=float(Smeasure().cal_sm(alpha, true_mask)),
        weighted_f=float(WeightedFmeasure().cal_wfm(alpha, true_mask)) if true_mask.any() else float(not mask.any()),
        haze=haze_share(matte),
    )


def mean(scores: Iterable[Scores]) -> Scores:
    """Each measure's mean over the pictures that have it."""
    return Scores(*(_mean(column) for column in zip(*map(astuple, scores), strict=True)))


def _mean(values: Iterable[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return float(np.mean(present)) if present else math.nan


MEASURES = tuple(field.name for field in fields(Scores))
