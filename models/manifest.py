"""What is run and where it comes from: one TOML file per model, weights beside it."""

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
"""Of a file: "fp32" is the one that a manifest always has, and every other is judged against it."""

Values = Literal["logits", "probabilities", "alpha"]
"""What a foreign output holds: what a sigmoid makes probabilities of, 0 to 1, or 0 to 255 already."""


class ModelError(Exception):
    """A manifest or its weights cannot be used; the text names the file and the fault."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tensor(_Table):
    """One end of the network.

    Attributes:
        name: as the ONNX graph calls it.
        size: pixels per side; pictures are square here.
        layout: axes in order: N pictures, H rows, W columns, C colours.
        dtype: values of 0 to 255; whatever normalisation the network needs is part of its graph.
    """

    name: str
    size: Annotated[int, Field(gt=0)]
    layout: Literal["NHWC", "NHW"]
    dtype: Literal["uint8"]


class Gate(_Table):
    """How far a variant's alpha may be from the fp32 file's on the golden pictures, in levels of 255.

    Attributes:
        mean: of the absolute differences over all pixels of all pictures, at most.
        p99_9: the 99.9th percentile of them, at most.
    """

    mean: Annotated[float, Field(gt=0)]
    p99_9: Annotated[float, Field(gt=0)]


class Variant(_Table):
    """The same model at another precision, with the same two ends.

    Attributes:
        file, sha256: as the manifest's own; without them a backend makes the graph from the fp32 file.
        keep_fp32: beginnings of node names that stay in fp32 when the graph is made.
        gate: what a backend checks before it serves the variant.
        quality: what was found when it was judged, in words.
    """

    file: str | None = None
    sha256: Sha256 | None = None
    keep_fp32: tuple[str, ...] = ()
    gate: Gate
    quality: str | None = None

    @model_validator(mode="after")
    def _is_a_file_or_none(self) -> Self:
        if (self.file is None) != (self.sha256 is None):
            raise ValueError("a variant has both file and sha256, or neither")
        return self


class DataSet(_Table):
    """Pictures the weights were trained on: how many, and what their publishers say may be done with them."""

    name: str
    pictures: Annotated[int, Field(gt=0)]
    licence: str


class Figure(_Table):
    """One held-out measurement: mean absolute error of alpha in 0..1, intersection over union with alpha cut at 0.5."""

    pictures: Annotated[int, Field(gt=0)]
    mae: float
    iou: float
    conditions: str


class Provenance(_Table):
    """Where weights of our own come from and how good they were found to be."""

    summary: str
    start: str
    weaknesses: str
    data: tuple[DataSet, ...]
    held_out: tuple[Figure, ...]


class Origin(_Table):
    """Where weights of others come from and how they were brought into our form.

    Attributes:
        url: where they were pulled from; none for a file of the operator's.
        sha256: of the file as it came, pinned: a later pull has to bring the same.
        commercial: whether the licence allows to sell what the model makes.
        layout, mean, std: what the network takes: (pixel / 255 - mean) / std, unless it takes pixels as they are.
        output, values: the output that was chosen, and what stood in it.
        checked: how the result was checked, with which runtime, or why it could not be run.
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
    """A model: its file and digest, its two ends, its licence and its origin.

    Attributes:
        file, sha256: the fp32 weights.
        darken_light: whether very light pictures are darkened for it (`imaging/high_key.py`); true only where it was
            found to help.
        variants: the same model at other precisions, `[variants.int8]`; which one runs is the backend's choice.
        batch: "one" where the graph takes one picture per run and no more.
        provenance, origin: the former for weights of our own, the latter for those of others.
    """

    name: str
    file: str
    sha256: Sha256
    licence: str
    batch: Literal["any", "one"] = "any"
    darken_light: bool = False
    variants: dict[Literal["fp16", "int8"], Variant] = {}
    input: Tensor
    output: Tensor
    provenance: Provenance | None = None
    origin: Origin | None = None
    _folder: Path = PrivateAttr(default=MODELS)

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if (self.provenance is None) == (self.origin is None):
            raise ValueError("a manifest has either [provenance] or [origin]")
        return self

    @classmethod
    def load(cls, name: str, *folders: Path) -> "ModelManifest":
        """Read `<name>.toml` from the first of the folders that has it; from the shipped models where none is given.

        Raises ModelError when it is missing or not what a manifest has to be.
        """
        paths = [folder / f"{name}.toml" for folder in folders or (MODELS,)]
        path = next((path for path in paths if path.exists()), paths[0])
        try:
            manifest = cls.model_validate(tomllib.loads(path.read_text()))
        except OSError as error:
            known = ", ".join(sorted(each.stem for path in paths for each in path.parent.glob("*.toml")))
            raise ModelError(f"There is no manifest {path.name}; there are: {known}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
            raise ModelError(f"{path.name} is no model manifest: {error}") from error
        if manifest.name != name:
            raise ModelError(f"{path.name} calls its model {manifest.name!r}.")
        manifest._folder = path.parent
        return manifest

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
        """The file of this precision. Raises ModelError when the manifest names none."""
        return self._folder / self._file_of(precision)[0]

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that the manifest names a file of, fp32 first."""
        return ("fp32", *(name for name, variant in self.variants.items() if variant.file))

    def weights(self, precision: Precision = "fp32") -> bytes:
        """The bytes of the file of this precision.

        Raises:
            ModelError: the manifest has no such file, or it is missing, or not the one that the manifest names.
        """
        file, expected = self._file_of(precision)
        try:
            content = (self._folder / file).read_bytes()
        except OSError as error:
            raise ModelError(f"The weights {file} of {self.name} cannot be read.") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != expected:
            raise ModelError(f"The weights {file} are not those of {self.name}: their SHA-256 is {digest}.")
        return content

    def _file_of(self, precision: Precision) -> tuple[str, str]:
        if precision == "fp32":
            return self.file, self.sha256
        variant = self.variants.get(precision)
        if variant is None or variant.file is None or variant.sha256 is None:
            raise ModelError(f"{self.name} has no file of precision {precision}.")
        return variant.file, variant.sha256
