"""The pipeline: the steps from an upload to a file, in order. cut_out.py runs them within memory and cores."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import imaging
from errors import NothingFound
from imaging import Box, Decontamination, ImageInfo, Output, Picture, Pixels
from telemetry import stage

Decode = Callable[[bytes, ImageInfo], Picture]
"""Decodes a probed upload; runs in a thread, as `imaging.decode` or in a separate process."""

Infer = Callable[[Pixels], Awaitable[Pixels]]
"""uint8 [S,S,3] RGB to uint8 alpha [S,S]; raises only errors of `errors`."""


@dataclass(frozen=True, slots=True)
class MattingModel:
    """A model, local or remote.

    Attributes:
        size: S, the side of its square input.
        fault: why it is unavailable now, as a public sentence; None if it is available.
        expected_wait: seconds until the inference of a picture that is sent now would begin.
        picture_s: seconds of the runner for one picture.
        darken_light: whether it works better on darkened high-key pictures.
        backend: its backend; None while unknown.
    """

    infer: Infer
    size: int
    fault: Callable[[], str | None] = lambda: None
    expected_wait: Callable[[], float] = lambda: 0.0
    picture_s: Callable[[], float] = lambda: 0.0
    darken_light: bool = False
    backend: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Result:
    """A finished picture.

    Attributes:
        body: the encoded file.
        width, height: its size in pixels.
        subject: position of the subject in the upright upload.
        haze: share of the subject that is half transparent, 0..1.
    """

    body: bytes
    width: int
    height: int
    subject: Box
    haze: float


@dataclass(slots=True)
class Work:
    """One picture between two steps: each step reads the results of earlier ones.

    Attributes:
        body, info, output, model: the order.
        picture: upright, in sRGB; `compose` changes its pixels in place.
        small: the picture at the model's size, uint8 [S,S,3].
        model_input: the model's input: `small`, or a darkened copy.
        alpha: the model's output, uint8 [S,S].
        matte: alpha during refinement: uint8 [S,S], and [H,W] from `upsample` on.
        decontamination: the estimated colours of foreground and background.
        pixels: the cut-out, then the pixels to encode.
    """

    body: bytes
    info: ImageInfo
    output: Output
    model: MattingModel
    decode: Decode
    picture: Picture = field(init=False)
    small: Pixels = field(init=False)
    model_input: Pixels = field(init=False)
    alpha: Pixels = field(init=False)
    matte: Pixels = field(init=False)
    decontamination: Decontamination = field(init=False)
    pixels: Pixels = field(init=False)
    subject: Box = field(init=False)
    haze: float = field(init=False)
    result: Result = field(init=False)


def decode(work: Work) -> None:
    """Raises `InvalidImage` or `ProcessingFailed`."""
    work.picture = work.decode(work.body, work.info)


def scale_to_model(work: Work) -> None:
    """Stretch the picture to the model's square."""
    work.small = work.model_input = imaging.to_model_input(work.picture, work.model.size)


def darken_high_key(work: Work) -> None:
    """Darken very light pictures for the models that ask for it."""
    if work.model.darken_light:
        work.model_input = imaging.darken_high_key(work.small)


def keep_existing_alpha(work: Work) -> None:
    """An upload that is a cut-out already keeps its own alpha."""
    work.alpha = imaging.keep_existing_alpha(work.picture, work.alpha)


def set_levels(work: Work) -> None:
    """Faint haze becomes transparent, nearly solid alpha becomes solid."""
    work.matte = imaging.set_levels(work.alpha)


def drop_small_components(work: Work) -> None:
    """Remove captions, watermarks and noise in the background."""
    work.matte = imaging.drop_small_components(work.matte)


def require_subject(work: Work) -> None:
    """Raise `NothingFound` for an empty matte: an empty picture is not sold."""
    if not imaging.has_subject(work.picture, work.matte):
        raise NothingFound()


def measure_haze(work: Work) -> None:
    """Measure how much of the subject is half transparent, at the model's size, where it is cheap."""
    work.haze = imaging.haze_share(work.matte)


def upsample(work: Work) -> None:
    """Enlarge the matte to the picture's size, guided by the picture's edges."""
    work.matte = imaging.upsample(work.picture, work.matte, work.small)


def estimate_colours(work: Work) -> None:
    """Estimate the colours of foreground and background from the model's alpha."""
    work.decontamination = Decontamination(work.picture, work.alpha, work.small)


def compose(work: Work) -> None:
    """Apply the alpha, and remove the background's colour."""
    work.pixels = imaging.compose(work.picture, work.matte, work.decontamination)
    del work.matte, work.decontamination  # large pictures need the memory


def finish(work: Work) -> None:
    """Apply background, crop and size of the order."""
    finished = imaging.finish(work.pixels, work.output)
    work.pixels, work.subject = finished.pixels, finished.subject


def encode(work: Work) -> None:
    """Encode the file."""
    height, width = work.pixels.shape[:2]
    work.result = Result(imaging.encode(work.pixels, work.output), width, height, work.subject, work.haze)


Stages = Mapping[str, tuple[Callable[[Work], None], ...]]
"""The steps in order, by their stage in the timings."""

BEFORE_MODEL: Stages = {
    "decode": (
        decode,
        scale_to_model,
        darken_high_key,
    ),
}
AFTER_MODEL: Stages = {
    "compose": (
        keep_existing_alpha,
        set_levels,
        drop_small_components,
        require_subject,
        measure_haze,
        upsample,
        estimate_colours,
        compose,
        finish,
    ),
    "encode": (encode,),
}


def run(stages: Stages, work: Work) -> None:
    """Run every step, on one core."""
    for name, steps in stages.items():
        with stage(name):
            for step in steps:
                step(work)
