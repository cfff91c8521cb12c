"""Whatever a network gives, as alpha."""

import numpy as np
from numpy.typing import NDArray

from imaging import Pixels
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.options import Values

Output = NDArray[np.generic]


def guess_values(output: Output) -> Values:
    """What a network's answer to one picture holds, by type and range.

    Raises:
        EvaluationError: it may be several things.
    """
    if output.dtype == np.uint8:
        return "bytes"
    if np.issubdtype(output.dtype, np.integer):
        return "labels"
    lowest, highest = float(np.min(output)), float(np.max(output))
    if lowest < 0 and not np.isclose(lowest, 0, atol=1e-4):
        return "logits"
    if highest <= 1.0001:
        return "probabilities"
    raise EvaluationError(f"its output runs from {lowest:.3g} to {highest:.3g}: say values=logits, or values=bytes")


def to_alpha(output: Output, values: Values) -> Pixels:
    """One picture's output, [S,S] with axes of one element anywhere, or [C,S,S] or [S,S,C], as uint8 alpha [S,S].

    Raises:
        EvaluationError: it is not square.
    """
    classes = _classes_first(output)
    if values == "labels":
        return np.where(_single(classes) != 0, 255, 0).astype(np.uint8)
    if values == "bytes":
        return np.clip(np.rint(_single(classes).astype(np.float32)), 0, 255).astype(np.uint8)
    chance = _probability(classes.astype(np.float32), is_logits=values == "logits")
    return np.clip(np.rint(chance * 255), 0, 255).astype(np.uint8)


def _classes_first(output: Output) -> Output:
    planes = np.squeeze(output)
    if planes.ndim == 2:
        planes = planes[None]
    elif planes.ndim == 3 and planes.shape[0] == planes.shape[1] != planes.shape[2]:
        planes = np.moveaxis(planes, -1, 0)
    if planes.ndim != 3 or planes.shape[1] != planes.shape[2]:
        raise EvaluationError(f"its output of shape {list(output.shape)} is not a square matte: say output=INDEX")
    return planes


def _single(classes: Output) -> Output:
    if len(classes) != 1:
        raise EvaluationError(f"its output has {len(classes)} channels: say values=logits or values=probabilities")
    return np.asarray(classes[0])


def _probability(classes: NDArray[np.float32], *, is_logits: bool) -> NDArray[np.float32]:
    """Of not being background."""
    if len(classes) == 1:
        return np.asarray((1 + np.tanh(classes[0] / 2)) / 2 if is_logits else classes[0], np.float32)
    if is_logits:
        classes = np.exp(classes - classes.max(axis=0))
        classes /= classes.sum(axis=0)
    return np.asarray(1 - classes[0], np.float32)
