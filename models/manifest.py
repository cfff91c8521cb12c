"""Model manifests: one TOML file per model, with the weights beside it."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

MODELS = Path(__file__).parent

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Colour = tuple[float, float, float]
Layout = Literal["NCHW", "NHWC"]
Precision = Literal["fp32", "fp16", "int8"]
"""Precision of a file. Every manifest has "fp32", the reference for all others."""

Values = Literal["logits", "probabilities", "alpha"]
"""Values of a third-party output: before a sigmoid, 0 to 1, or 0 to 255."""


class ModelError(Exception):
    """A manifest or its weights cannot be used; the message names the file and the fault."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Table):
    """The input or output of the network.

    Attributes:
        name: name in the ONNX graph.
        size: pixels per side of the square image.
        layout: order of axes: N images, H rows, W columns, C channels.
        dtype: values 0 to 255; normalisation is part of the graph.
    """

    name: str
    size: Annotated[int, Field(gt=0)]
    layout: Literal["NHWC", "NHW"]
    dtype: Literal["uint8"]


class Gate(_Table):
    """Maximum difference between a variant's alpha and the fp32 file's on the golden images, in levels of 255.

    Attributes:
        mean: maximum mean absolute difference over all pixels of all images.
        p99_9: maximum 99.9th percentile of the absolute differences.
    """

    mean: Annotated[float, Field(gt=0)]
    p99_9: Annotated[float, Field(gt=0)]


class Variant(_Table):
    """The same model at another precision, with the same input and output.

    Attributes:
        file, sha256: like the manifest's; without them a backend derives the graph from the fp32 file.
        keep_fp32: prefixes of node names that stay in fp32 in a derived graph.
        gate: the limit that a backend checks before it serves the variant.
        quality: result of the evaluation, in words.
    """

    file: str | None = None
    sha256: Sha256 | None = None
    keep_fp32: tuple[str, ...] = ()
    gate: Gate
    quality: str | None = None

    @model_validator(mode="after")
    def _is_a_file_or_none(self) -> Self:
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("a variant must have both file and sha256, or neither")
        return self


class DataSet(_Table):
    """A training data set: number of images and licence.

    Attributes:
        commercial: whether its publisher states a licence that allows commercial use.
    """

    name: str
    pictures: Annotated[int, Field(gt=0)]
    licence: str
    commercial: bool = True


class Figure(_Table):
    """One held-out measurement: mean absolute error of alpha in 0..1, intersection over union with alpha cut at 0.5."""

    pictures: Annotated[int, Field(gt=0)]
    mae: float
    iou: float
    conditions: str


class Provenance(_Table):
    """Origin and measured quality of our own weights.

    Attributes:
        permissive: name of the model that was trained on data with stated licences only, where this one was not.
    """

    permissive: str | None = None
    summary: str
    start: str
    weaknesses: str
    data: tuple[DataSet, ...]
    held_out: tuple[Figure, ...]


class Origin(_Table):
    """Origin of third-party weights and how they were imported.

    Attributes:
        url: download URL; None for an operator's file.
        sha256: digest of the original file; a later pull must match it.
        commercial: whether the licence allows selling the model's output.
        layout, mean, std: the network's input: (pixel / 255 - mean) / std; None: raw pixels.
        output, values: the chosen output and its kind of values.
        checked: how and with which runtime the import was checked, or why it could not be run.
    """

    summary: str
    url: str | None = None
    sha256: Sha256
    commercial: bool
    layout: Layout
    mean: Colour | None = None
    std: Colour | None = None
    output: str
    values: Values
    checked: str


class ModelManifest(_Table):
    """A model: file and digest, input and output, licence and origin.

    Attributes:
        file, sha256: the fp32 weights.
        darken_light: whether very light images are darkened for it (`imaging/high_key.py`); true only where an
            evaluation showed a benefit.
        close_ups: whether parts of an image are shown to it again, larger (`imaging/close_up.py`); likewise.
        variants: the same model at other precisions, `[variants.int8]`; the backend selects one.
        batch: "one" if the graph accepts only one image per run.
        provenance, origin: the former for our own weights, the latter for third-party weights.
    """

    name: str
    file: str
    sha256: Sha256
    licence: str
    batch: Literal["any", "one"] = "any"
    darken_light: bool = False
    close_ups: bool = False
    variants: dict[Literal["fp16", "int8"], Variant] = {}
    input: Tensor
    output: Tensor
    provenance: Provenance | None = None
    origin: Origin | None = None
    _folder: Path = PrivateAttr(default=MODELS)

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if (self.provenance is None) == (self.origin is None):
            raise ValueError("a manifest must have either [provenance] or [origin]")
        return self

    @classmethod
    def load(cls, name: str, *folders: Path) -> "ModelManifest":
        """Read `<name>.toml` from the first folder that has it; from the shipped models if no folder is given.

        Raises:
            ModelError: it is missing or invalid.
        """
        paths = [folder / f"{name}.toml" for folder in folders or (MODELS,)]
        path = next((path for path in paths if path.exists()), paths[0])
        try:
            manifest = cls.model_validate(tomllib.loads(path.read_text()))
        except OSError as error:
            known = ", ".join(sorted(each.stem for path in paths for each in path.parent.glob("*.toml")))
            raise ModelError(f"There is no manifest {path.name}. Available: {known}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
            raise ModelError(f"{path.name} is not a valid model manifest: {error}") from error
        if manifest.name != name:
            raise ModelError(f"{path.name} must have name = {name!r}, not {manifest.name!r}.")
        manifest._folder = path.parent
        return manifest

    @property
    def unclear_data(self) -> tuple[str, ...]:
        """Names of the training data whose publishers state no licence that allows commercial use."""
        return tuple(each.name for each in self.provenance.data if not each.commercial) if self.provenance else ()

    @property
    def label(self) -> str:
        """Name and short digest of the fp32 weights, the value of `X-Model`: `matting-v0 7a86178d`."""
        return f"{self.name} {self.version}"

    @property
    def version(self) -> str:
        """The short digest of the fp32 weights: `7a86178d`."""
        return self.sha256[:8]

    @property
    def path(self) -> Path:
        """The file of the fp32 weights, beside the manifest."""
        return self._folder / self.file

    def path_of(self, precision: Precision) -> Path:
        """The file of this precision. Raises ModelError if the manifest has none."""
        return self._folder / self._file_of(precision)[0]

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions with a file, fp32 first."""
        return ("fp32", *(name for name, variant in self.variants.items() if variant.file))

    def weights(self, precision: Precision = "fp32") -> bytes:
        """The bytes of the file of this precision.

        Raises:
            ModelError: the manifest has no file of this precision, or the file is missing or has another digest.
        """
        file, expected = self._file_of(precision)
        try:
            content = (self._folder / file).read_bytes()
        except OSError as error:
            raise ModelError(f"The weights {file} of {self.name} cannot be read.") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != expected:
            raise ModelError(f"The weights {file} do not match the manifest of {self.name}: their SHA-256 is {digest}.")
        return content

    def _file_of(self, precision: Precision) -> tuple[str, str]:
        if precision == "fp32":
            return self.file, self.sha256
        variant = self.variants.get(precision)
        if variant is None or variant.file is None or variant.sha256 is None:
            raise ModelError(f"{self.name} has no file of precision {precision}.")
        return variant.file, variant.sha256
