"""Pictures of a run for the eye: sample sheets on magenta, and the curves."""

from collections.abc import Sequence
from io import BytesIO

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.matting.run import Row

MAGENTA = (255, 0, 255)
SMALL = 160
CURVES = {"loss": "training loss", "mae": "validation MAE", "iou": "validation IoU"}


def sheet(image: Tensor, truth: Tensor, alpha: Tensor) -> bytes:
    """PNG with a column per picture: picture, true alpha, alpha found, cut-out by what was found.

    `image` [N,3,S,S] in 0..255, the alphas [N,1,S,S] in 0..1.
    """
    picture, true, found = (_small(x) for x in (image, truth * 255, alpha * 255))
    opacity = found.astype(np.float32) / 255
    cut = picture * opacity + np.array(MAGENTA, np.float32) * (1 - opacity)
    rows = (picture, np.broadcast_to(true, picture.shape), np.broadcast_to(found, picture.shape), cut)
    whole = np.concatenate([np.concatenate(list(row), axis=1) for row in rows], axis=0).astype(np.uint8)
    return cv2.imencode(".png", whole[:, :, ::-1])[1].tobytes()


def _small(x: Tensor) -> NDArray[np.float32]:
    small = functional.interpolate(x.float().cpu(), size=(SMALL, SMALL), mode="area")
    pixels: NDArray[np.float32] = small.clamp(0, 255).permute(0, 2, 3, 1).numpy()
    return pixels


def curves(rows: Sequence[Row]) -> bytes:
    """PNG of the loss and of the validation figures over the minutes of training."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    minutes = [row["minutes"] for row in rows]
    for place, (name, title) in enumerate(CURVES.items(), start=1):
        axes = figure.add_subplot(1, len(CURVES), place)
        axes.plot(minutes, [row[name] for row in rows], marker=".")
        axes.set(xlabel="minutes", title=title)
        axes.grid(visible=True, alpha=0.3)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=90)
    return content.getvalue()
