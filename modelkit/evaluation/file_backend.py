"""What all network files have in common: feed a picture, read a matte."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from imaging import Pixels
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.network_output import Output, guess_values, to_alpha
from modelkit.evaluation.options import Layout, Options, normalise
from runners.inference import probe_image

T = TypeVar("T")

_FED = ("uint8", "float16", "float32")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a file tells of its input; None where it does not."""

    layout: Layout | None
    size: int | None
    dtype: str

    @classmethod
    def of(cls, shape: Sequence[int | str | None], dtype: str) -> "Signature":
        """Read from the input's shape: four axes, three colours.

        Raises:
            EvaluationError: it is not a picture, or no square one.
        """
        if len(shape) != 4 or dtype not in _FED:
            raise EvaluationError(f"its input, {dtype} {list(shape)}, is not a picture")
        layout: Layout | None = "nchw" if shape[1] == 3 else "nhwc" if shape[3] == 3 else None
        height, width = shape[1:3] if layout == "nhwc" else shape[2:4]
        if not (isinstance(height, int) and isinstance(width, int)):
            return cls(layout, None, dtype)
        if height != width:
            raise EvaluationError(f"its input is {width} x {height}; only square ones are fed here")
        return cls(layout, height if layout else None, dtype)


class FileBackend(ABC):
    """A `runners.backend.Backend` over a file that nobody has described.

    Attributes:
        device, max_batch: as a backend's; it runs on the CPU, one picture at a time.
        size: pixels per side of its input.
        values: what its output holds.

    Raises:
        EvaluationError: something cannot be found out and was not told, or a trial picture brings no matte.
    """

    device = "cpu"
    max_batch: int | None = 1

    def __init__(self, name: str, signature: Signature, outputs: int, options: Options) -> None:
        self.name = name
        self._dtype = signature.dtype
        self._layout = _told("layout", options.layout or signature.layout)
        self.size = _told("size", options.size or signature.size)
        self._normalise = _told("normalise", options.normalise or ("bytes" if self._dtype == "uint8" else None))
        self._output = options.output
        if self._output >= outputs:
            raise EvaluationError(f"it has {outputs} outputs, counted from 0")
        trial = self._run(self._feed(probe_image(self.size)))
        self.values = options.values or guess_values(trial)
        to_alpha(trial, self.values)

    def infer(self, images: Pixels) -> Pixels:
        """As `Backend.infer`, one picture at a time; alpha may be of another size than the pictures."""
        return np.stack([to_alpha(self._run(self._feed(image)), self.values) for image in images])

    @abstractmethod
    def close(self) -> None:
        """Free what the runtime holds."""

    @abstractmethod
    def _run(self, fed: Output) -> Output:
        """The chosen output for one picture in the input's own type and layout."""

    def _feed(self, image: Pixels) -> Output:
        fed = normalise(image, self._normalise)
        if self._dtype == "uint8":
            fed = np.rint(fed)
        fed = fed.transpose(2, 0, 1) if self._layout == "nchw" else fed
        return np.ascontiguousarray(fed[None].astype(self._dtype))


def _told(what: str, value: T | None) -> T:
    if value is None:
        raise EvaluationError(f"the file does not tell its {what}: say {what}=...")
    return value
