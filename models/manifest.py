"""What is run and where it comes from: one TOML file per model, weights beside it."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MODELS = Path(__file__).parent


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
    """Where the weights come from and how good they were found to be."""

    summary: str
    start: str
    weaknesses: str
    data: tuple[DataSet, ...]
    held_out: tuple[Figure, ...]


class ModelManifest(_Table):
    """A model: its file and digest, its two ends, its licence and its origin."""

    name: str
    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    licence: str
    input: Tensor
    output: Tensor
    provenance: Provenance

    @classmethod
    def load(cls, name: str, folder: Path = MODELS) -> "ModelManifest":
        """Read `<name>.toml`. Raises ModelError when it is missing or not what a manifest has to be."""
        path = folder / f"{name}.toml"
        try:
            manifest = cls.model_validate(tomllib.loads(path.read_text()))
        except OSError as error:
            known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
            raise ModelError(f"There is no manifest {path.name}; there are: {known}.") from error
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise ModelError(f"{path.name} is no model manifest: {error}") from error
        if manifest.name != name:
            raise ModelError(f"{path.name} calls its model {manifest.name!r}.")
        return manifest

    @property
    def label(self) -> str:
        """Name and short digest, the value of `X-Model`: `matting-v0 7a86178d`."""
        return f"{self.name} {self.sha256[:8]}"

    def weights(self, folder: Path = MODELS) -> bytes:
        """The bytes of the weights. Raises ModelError when they are missing or not those that the manifest names."""
        try:
            content = (folder / self.file).read_bytes()
        except OSError as error:
            raise ModelError(f"The weights {self.file} of {self.name} cannot be read.") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.sha256:
            raise ModelError(f"The weights {self.file} are not those of {self.name}: their SHA-256 is {digest}.")
        return content
