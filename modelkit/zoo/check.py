"""Whether a wrapped network gives what the network itself gives, on ONNX Runtime on the CPU."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from modelkit.zoo.signature import Signature
from models import Colour, ModelError, Values

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

TOLERANCE = 4
"""Levels of 255 by which two runs of the same picture may differ; the service's own proof allows as much."""
CONTRAST = 16
"""Levels of 255 by which the alpha of different pictures has to differ somewhere."""
_SLACK = 0.01
"""By which probabilities may leave 0 to 1."""


class NotRun(Exception):
    """This runtime cannot run the graph on the CPU; the text is its reason."""


class NoBatch(Exception):
    """One picture comes out right, and several at once do not; the text says how."""


@dataclass(frozen=True)
class Proof:
    """What a network itself gives for the test pictures.

    Attributes:
        pictures: uint8 RGB [K,S,S,3].
        raw: its output, before anything of ours [K,S,S].
    """

    pictures: Pixels
    raw: Floats

    def alpha(self, values: Values) -> Pixels:
        """uint8 [K,S,S] that has to come out of the wrapped graph."""
        if values == "alpha":
            return _levels(self.raw)
        unit = self.raw.astype(np.float64)
        if values == "logits":
            unit = 1 / (1 + np.exp(-unit))
        return _levels(unit * 255)


def _levels(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255) + 0.5, np.uint8)


def runtime() -> str:
    """Name and version of what checks here."""
    return f"onnxruntime {onnxruntime.__version__}, CPU"


def test_pictures(size: int) -> Pixels:
    """uint8 RGB [3,S,S,3]: a dark disc on pale grey, a bright square on a dark slope, and patches of many colours."""
    rows, columns = np.ogrid[:size, :size]
    disc = (rows - size / 2) ** 2 + (columns - size / 2) ** 2 < (size / 4) ** 2
    first = np.where(disc[..., None], (150, 30, 30), (225, 225, 225))
    square = (rows > size * 0.55) & (columns > size * 0.4) & (rows < size * 0.95) & (columns < size * 0.8)
    slope = np.broadcast_to((columns * 80 // size)[..., None], (size, size, 3))
    second = np.where(square[..., None], (250, 220, 60), slope)
    patches = np.random.default_rng(1).integers(0, 256, (8, 8, 3))
    third = patches[np.arange(size) * 8 // size][:, np.arange(size) * 8 // size]
    return np.stack([first, second, third]).astype(np.uint8)


def prove(file: Path, signature: Signature, *, mean: Colour | None, std: Colour | None) -> Proof:
    """Run the foreign graph as it came, with normalisation and layout done in numpy.

    Raises:
        NotRun: this runtime cannot.
        ModelError: what came out is not an alpha matte.
    """
    pictures = test_pictures(signature.size)
    ready = pictures.astype(signature.input.dtype)
    if mean is not None and std is not None:
        ready = ((pictures / 255 - mean) / std).astype(signature.input.dtype)
    if signature.layout == "NCHW":
        ready = ready.transpose(0, 3, 1, 2)
    session = _session(str(file))
    try:
        outputs = [session.run([signature.output.name], {signature.input.name: each[None]})[0] for each in ready]
    except Exception as error:  # the runtime's errors have no base class of their own
        raise NotRun(_first_line(error)) from error
    return Proof(pictures, np.stack([_one_plane(output, signature) for output in outputs]))


def _one_plane(output: Floats, signature: Signature) -> Floats:
    side = signature.size
    if output.shape not in ((1, 1, side, side), (1, side, side, 1), (1, side, side)):
        raise ModelError(
            f"The output {signature.output.name} came out as {list(output.shape)} and not as one value for each of "
            f"{side} x {side} pixels. Is it the right output?"
        )
    if not np.isfinite(output).all():
        raise ModelError(f"The output {signature.output.name} holds values that are not finite.")
    return output.reshape(side, side).astype(np.float32)


def judge(raw: Floats, claimed: Values | None) -> Values:
    """What the output holds by its range. Raises ModelError when that is not what was claimed.

    A network of probabilities taken for logits would be squeezed to .5 to .73, and the other way round cut hard.
    """
    low, high = float(raw.min()), float(raw.max())
    within = low >= -_SLACK and high <= 1 + _SLACK
    if claimed == "logits" and within:
        raise ModelError(f"The output is within {low:.3g} to {high:.3g}: probabilities, not logits.")
    if claimed == "probabilities" and not within:
        raise ModelError(f"The output reaches from {low:.3g} to {high:.3g}: not probabilities, perhaps logits.")
    if claimed == "alpha" and (within or low < -1 or high > 256):
        raise ModelError(f"The output reaches from {low:.3g} to {high:.3g}: not an alpha of 0 to 255.")
    return claimed or ("probabilities" if within else "logits")


def check(wrapped: bytes, proof: Proof, values: Values, *, together: bool) -> None:
    """The wrapped graph gives the alpha that the network itself gives, for each picture alone and for all at once.

    Raises:
        ModelError: it does not, or gives the same for all pictures.
        NoBatch: it does for each alone, but not for all at once.
        NotRun: this runtime cannot run it.
    """
    expected = proof.alpha(values)
    if int(np.ptp(expected, axis=0).max()) < CONTRAST:
        raise ModelError("Quite different pictures get the same alpha. Is it the right output, and trained?")
    session = _session(wrapped)
    for index, picture in enumerate(proof.pictures):
        alone = _run(session, picture[None])
        if _apart(alone, expected[index : index + 1]) > TOLERANCE:
            raise ModelError("The wrapped graph gives another alpha than the network itself.")
    if not together:
        return
    try:
        alphas = _run(session, proof.pictures)
    except NotRun as error:
        raise NoBatch(str(error)) from error
    if _apart(alphas, expected) > TOLERANCE:
        raise NoBatch("a picture's alpha depends on what else is in its batch")


def _run(session: onnxruntime.InferenceSession, pictures: Pixels) -> Pixels:
    try:
        [alpha] = session.run(None, {session.get_inputs()[0].name: pictures})
    except Exception as error:  # as above
        raise NotRun(_first_line(error)) from error
    return np.asarray(alpha)


def _apart(found: Pixels, expected: Pixels) -> int:
    if found.shape != expected.shape or found.dtype != np.uint8:
        return 256
    return int(np.abs(found.astype(np.int16) - expected).max())


def _session(model: str | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # warnings on the foreign graph's style help nobody here
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise NotRun(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
