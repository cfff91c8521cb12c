"""What a network file does not tell about itself, and what may be told on the command line."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from modelkit.evaluation.errors import EvaluationError

Layout = Literal["nchw", "nhwc"]
Values = Literal["probabilities", "logits", "bytes", "labels"]
Plane = NDArray[np.float32]

_NAMED = {"bytes": (0.0, 1 / 255), "unit": (0.0, 1.0), "signed": (0.5, 0.5)}
_IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def normalise(image: NDArray[np.uint8], how: str) -> Plane:
    """uint8 RGB [S,S,3] as a network wants it: (image / 255 - mean) / std.

    Args:
        how: "imagenet", "unit" (0 to 1), "signed" (-1 to 1), "bytes" (0 to 255) or "MEAN/STD".

    Raises:
        ValueError: it is none of these.
    """
    mean, std = _IMAGENET if how == "imagenet" else _NAMED.get(how) or _numbers(how)
    return ((image / np.float32(255) - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)).astype(np.float32)


def _numbers(how: str) -> tuple[float, float]:
    mean, std = map(float, how.split("/"))
    return mean, std


def _known(how: str) -> str:
    normalise(np.zeros((1, 1, 3), np.uint8), how)
    return how


class Options(BaseModel):
    """How to feed and read a network file. What is None is found out, or asked for where it cannot be.

    Attributes:
        name: what reports call it; its file's name otherwise.
        size: pixels per side of its input.
        layout: axes of its input.
        normalise: see `normalise`; no file tells this, so float inputs have to be told.
        output: which of its outputs is the matte.
        darken_light: whether very light pictures are darkened for it, as a manifest may say.
        close_ups: whether parts of the picture are shown to it again, likewise.
        values: what the output holds. Two or more channels are classes, the first of them the background; labels
            are class numbers, 0 the background.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    size: Annotated[int, Field(gt=0)] | None = None
    layout: Layout | None = None
    normalise: Annotated[str, AfterValidator(_known)] | None = None
    output: Annotated[int, Field(ge=0)] = 0
    values: Values | None = None
    darken_light: bool = False
    close_ups: bool = False


def parse(text: str) -> tuple[Path, Options]:
    """`PATH[,option=value...]`. Raises EvaluationError for an option that there is not."""
    path, *settings = text.split(",")
    pairs = dict(setting.partition("=")[::2] for setting in settings)
    try:
        return Path(path), Options.model_validate(pairs)
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise EvaluationError(f"{text}: {faults}") from error
