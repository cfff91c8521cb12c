"""One TOML file says everything about a training run but where its data lies and how long it may take.

A file may say `extends = "other"` and then only what it does otherwise than the experiment of that name.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

EXPERIMENTS = Path(__file__).with_name("experiments")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(gt=0)]
Side = Annotated[int, Field(ge=32, multiple_of=32)]


class ExperimentError(Exception):
    """An experiment cannot be used; the text names the file and the fault."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSettings(_Table):
    """Which pictures, and how they are kept.

    Attributes:
        permissive_only: leave out every picture whose licence its publisher does not state.
        side: pixels per side of the squares that pictures are decoded to, once.
        validation: photographs kept apart to watch the training; chosen by name, so always the same.
        soften: give hard masks a soft boundary that follows the picture.
        weights: how often a group is drawn per picture of it; groups that are not named count 1, and 0 leaves one out.
        soft: groups whose things are half transparent by right, as glass and veils are.
    """

    permissive_only: bool = False
    side: Side = 384
    validation: Annotated[int, Field(ge=0)] = 100
    soften: bool = True
    weights: dict[str, NotNegative] = {}
    soft: tuple[str, ...] = ()


class NetworkSettings(_Table):
    """The shape of the network.

    Attributes:
        encoder: its form.
        start: encoder weights to begin from: a file in the data folder, or PACKAGE:FILE of an installed package; false
            begins from chance.
        width: scales the channels of the decoder.
        context_width: channels at 1/32 of the side, where the whole picture is seen.
        context_blocks: residual blocks of 5 by 5 pixels there; their dilations go 1, 2, 4, 1, 2, 4, …
        context_global: add the mean over the whole picture there.
        frozen_blocks: the stem and so many encoder blocks keep their values.
        encoder_norm: give the encoder batch norms, set so that they change nothing at first.
    """

    encoder: Literal["mobilenet-v2", "efficientnet-lite2"] = "mobilenet-v2"
    start: str | Literal[False] = "weights/backbones/mobilenet_v2_1.0_imagenet_int8_weights.npz"
    width: Positive = 1.0
    context_width: Count = 192
    context_blocks: Annotated[int, Field(ge=0)] = 3
    context_global: bool = True
    frozen_blocks: Annotated[int, Field(ge=0)] = 3
    encoder_norm: bool = False

    @property
    def shape(self) -> dict[str, object]:
        """What two networks must have in common to exchange weights."""
        return self.model_dump(exclude={"start", "frozen_blocks"})


class LossSettings(_Table):
    """Weights of the terms of the loss; `losses.py` says what each is.

    Attributes:
        soft_sharpness: share of `sharpness` that counts for samples with a soft material.
    """

    band: NotNegative = 2.0
    pyramid: NotNegative = 0.5
    iou: NotNegative = 0.5
    auxiliary: NotNegative = 0.4
    sharpness: NotNegative = 0.1
    soft_sharpness: Share = 1.0


class OptimiserSettings(_Table):
    """AdamW, warm-up, cosine, and the running average that becomes the result.

    Attributes:
        rate: learning rate of the decoder.
        encoder_rate: of the encoder.
        floor: what is left of the rates at the end.
        clip: longest gradient allowed.
        average: weight of the past in the running average of the weights.
        precision: `bf16` multiplies in bfloat16, on GPUs and on CPUs that have instructions for it, in 32 bits on
            others; weights stay 32-bit.
    """

    rate: Positive = 2e-3
    encoder_rate: Positive = 2e-4
    weight_decay: NotNegative = 1e-2
    warm_up_steps: Annotated[int, Field(ge=0)] = 60
    floor: Share = 0.02
    clip: Positive = 3.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.995
    precision: Literal["bf16", "fp32"] = "bf16"


class SynthesisSettings(_Table):
    """How samples are made: shares of the kinds of scenes and chances of what is done to them.

    Attributes:
        photo: share of photographs as they are, whole or in part.
        moved: share of things cut out of a photograph and put on another background.
        cutout: share of foregrounds that have their own alpha, put on a background.
        near: share of things on grounds of almost the colour of their rim, half of the things white or black.
        group: share of groups of two to six people who overlap and are cut off by the frame, indoors or in the dark.
        dark: share of dark things on dark grounds.
        rows: chance that a thing on a near ground is there many times, in rows.
        close: chance that such a thing is so close that the frame cuts it off.
        sheet: chance that such a ground has a sheet of paper of almost its colour on it.
        dark_portrait: chance that a person in the dark is head and shoulders.
        whole: chance that a photograph is shown whole, stretched to the square as the service does.
        portrait: chance that a full-body picture of a person becomes its head and shoulders.
        hair: chance of long strands from one side of the boundary.
        fur: chance of short strands all around.
        net: chance that a moved thing or cut-out turns into a net in its shape.
        glass: chance that it turns into something like glass.
        drawn: chance that a background is drawn by rule, not photographed.
        darken_light: show very light samples as the service shows such pictures, with their dark end near black.
    """

    photo: NotNegative = 0.5
    moved: NotNegative = 0.25
    cutout: NotNegative = 0.25
    near: NotNegative = 0.0
    group: NotNegative = 0.0
    dark: NotNegative = 0.0
    rows: Share = 0.0
    close: Share = 0.0
    sheet: Share = 0.0
    dark_portrait: Share = 0.0
    whole: Share = 0.4
    portrait: Share = 0.4
    hair: Share = 0.15
    fur: Share = 0.08
    net: Share = 0.04
    glass: Share = 0.05
    drawn: Share = 0.35
    second: Share = 0.15
    shadow: Share = 0.25
    colour: Share = 0.7
    grey: Share = 0.04
    blur: Share = 0.12
    noise: Share = 0.2
    jpeg: Share = 0.25
    darken_light: bool = False

    @model_validator(mode="after")
    def _something_is_drawn(self) -> Self:
        if self.photo + self.moved + self.cutout + self.near + self.group + self.dark <= 0:
            raise ValueError("photo, moved, cutout, near, group and dark are all 0: there is nothing to train on")
        return self


class Stage(_Table):
    """A part of the run: its share of it, the side in pixels and the pictures per step."""

    share: Positive
    side: Side
    batch: Count


class Experiment(_Table):
    """What is trained, on what and how."""

    name: Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]*$")]
    why: str
    seed: int = 1
    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    synthesis: SynthesisSettings = SynthesisSettings()
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]

    @classmethod
    def load(cls, name: str) -> "Experiment":
        """Read a file, or one of `experiments/` by its name. Raises ExperimentError."""
        path = Path(name) if name.endswith(".toml") else EXPERIMENTS / f"{name}.toml"
        try:
            return cls.model_validate(_settings(path))
        except ValidationError as error:
            raise ExperimentError(f"{path} is not an experiment: {error}") from error

    def stage(self, progress: float) -> Stage:
        """The stage at `progress`, 0 at the start of the run and 1 at its end."""
        total = sum(stage.share for stage in self.stages)
        passed = 0.0
        for stage in self.stages:
            passed += stage.share / total
            if progress < passed:
                return stage
        return self.stages[-1]


def _settings(path: Path, *above: Path) -> dict[str, Any]:
    """What a file says, and what those say that it extends; `above` are those that extend it."""
    if path in above:
        raise ExperimentError(f"{path} extends itself.")
    table = _read(path)
    base = table.pop("extends", None)
    return _over(_settings(EXPERIMENTS / f"{base}.toml", path, *above), table) if base else table


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        known = ", ".join(sorted(each.stem for each in EXPERIMENTS.glob("*.toml")))
        raise ExperimentError(f"Unknown experiment {path}. Known: {known}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ExperimentError(f"{path} is not an experiment: {error}") from error


def _over(base: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """`base`, but where `table` has a setting of the same name; `weights` and `stages` each count as one setting."""
    shared = [name for name in table.keys() & base.keys() if isinstance(table[name], dict)]
    merged = {name: {**base[name], **table[name]} for name in shared if isinstance(base[name], dict)}
    return {**base, **table, **merged}
