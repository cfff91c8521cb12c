"""The pipeline: the steps from an upload to a file, in order. cut_out.py runs them within memory and cores."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import imaging
from errors import NothingFound
from imaging import Box, CloseUp, Decontamination, ImageInfo, Output, Picture, Pixels
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
        image_s: seconds of the runner for one input.
        darken_light: whether it works better on darkened high-key pictures.
        close_ups: whether it sees parts of the picture again, larger.
        backend: its backend; None while unknown.
    """

    infer: Infer
    size: int
    fault: Callable[[], str | None] = lambda: None
    expected_wait: Callable[[], float] = lambda: 0.0
    image_s: Callable[[], float] = lambda: 0.0
    darken_light: bool = False
    close_ups: bool = False
    backend: Callable[[], str | None] = lambda: None

    def picture_s(self) -> float:
        """Expected seconds of the runner for one picture, close-ups included."""
        return self.image_s() * (imaging.EXPECTED_PASSES if self.close_ups else 1)


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
        close_ups: the parts that the model sees again, as `close_up_inputs`; its output for these is `close_up_alphas`.
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
    close_ups: tuple[CloseUp, ...] = ()
    close_up_inputs: tuple[Pixels, ...] = ()
    close_up_alphas: tuple[Pixels, ...] = ()
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
    work.model_input = _shown(work.model, work.small)


def _shown(model: MattingModel, image: Pixels) -> Pixels:
    return imaging.darken_high_key(image) if model.darken_light else image


def keep_existing_alpha(work: Work) -> None:
    """An upload that is a cut-out already keeps its own alpha."""
    work.alpha = imaging.keep_existing_alpha(work.picture, work.alpha)


def choose_close_ups(work: Work) -> None:
    """Choose the parts that a model should see again, if it wants to."""
    if work.model.close_ups:
        work.close_ups = imaging.close_ups(work.picture, work.alpha)


def scale_close_ups(work: Work) -> None:
    """Make the model's input of each of them."""
    size = work.model.size
    inputs = (imaging.close_up_input(work.picture, part, size, work.alpha.shape[0]) for part in work.close_ups)
    work.close_up_inputs = tuple(_shown(work.model, image) for image in inputs)


def merge_close_ups(work: Work) -> None:
    """Correct the picture's alpha by that of the close-ups."""
    work.alpha = imaging.merge_close_ups(work.alpha, zip(work.close_ups, work.close_up_alphas, strict=True))


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
CLOSE_UPS: Stages = {
    "compose": (
        keep_existing_alpha,
        choose_close_ups,
        scale_close_ups,
    ),
}
AFTER_MODEL: Stages = {
    "compose": (
        merge_close_ups,
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
