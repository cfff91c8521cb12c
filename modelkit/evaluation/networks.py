"""The networks of a run: those with manifests by their names, others by their files."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from pydantic import TypeAdapter, ValidationError

from imaging import (
    Picture,
    Pixels,
    close_up_input,
    close_ups,
    darken_high_key,
    keep_existing_alpha,
    merge_close_ups,
)
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.file_backend import FileBackend
from modelkit.evaluation.onnx_file import OnnxFile
from modelkit.evaluation.options import Options, parse
from modelkit.evaluation.tflite_file import TfliteFile
from modelkit.evaluation.variants import SERVICE, WAYS, Way, service
from models import MODELS, ModelError, ModelManifest, Precision
from runners.inference import Backend, BackendError, OrtBackend

_Kind = Callable[[Path, Options, int], FileBackend]
_FILES: dict[str, _Kind] = {".onnx": OnnxFile, ".tflite": TfliteFile}


@dataclass(frozen=True, slots=True)
class Network:
    """A network and the way pictures go through it.

    Attributes:
        sha256: of its file.
        size: pixels per side of its input.
        darken_light, close_ups: as in `ModelManifest`.
    """

    name: str
    sha256: str
    size: int
    backend: Backend
    way: Way = service
    darken_light: bool = False
    close_ups: bool = False

    def matte(self, picture: Picture) -> Pixels:
        """uint8 [H,W], at the picture's size. Raises EvaluationError when the runtime fails."""
        try:
            return self.way(partial(self._alpha, picture), picture, self.size)
        except (BackendError, EvaluationError) as error:
            raise EvaluationError(f"{self.name}: {error}") from error

    def _alpha(self, picture: Picture, image: Pixels) -> Pixels:
        """The whole picture's alpha, close-ups included; `image` is the picture as the way shows it."""
        alpha = keep_existing_alpha(picture, self._infer(image))
        if not self.close_ups:
            return alpha
        parts = close_ups(picture, alpha)
        return merge_close_ups(
            alpha,
            [(part, self._infer(close_up_input(picture, part, self.size, alpha.shape[0]))) for part in parts],
        )

    def _infer(self, image: Pixels) -> Pixels:
        alphas: Pixels = self.backend.infer((darken_high_key(image) if self.darken_light else image)[None])
        return np.asarray(alphas[0])

    def by(self, variants: Sequence[str]) -> list["Network"]:
        """The same network by each of the variants. Raises EvaluationError for an unknown one."""
        unknown = set(variants) - WAYS.keys()
        if unknown:
            raise EvaluationError(f"Unknown variant {', '.join(sorted(unknown))}; there are: {', '.join(WAYS)}.")
        return [
            replace(
                self,
                name=_named(self.name, way),
                way=WAYS[way],
                darken_light=_DARKENED.get(way, self.darken_light),
                close_ups=self.close_ups and way in _WITH_CLOSE_UPS,
            )
            for way in variants
        ]


_DARKENED = {"darkened": True, "not darkened": False}
"""Ways that are the service's, but for this."""
_WITH_CLOSE_UPS = {SERVICE, *_DARKENED}
"""All others show the picture once, as many do not show it whole; "one pass" is to compare them with."""


def _named(network: str, way: str) -> str:
    return network if way == SERVICE else f"{network}, {way}"


def manifests() -> list[str]:
    """All models that ship, were pulled or were added, each in the precisions that it has a file of."""
    names = sorted({file.stem for folder in _folders() for file in folder.glob("*.toml")})
    return [each for name in names for each in _with_precisions(name)]


def _with_precisions(name: str) -> list[str]:
    precisions = ModelManifest.load(name, *_folders()).precisions
    return [name if precision == "fp32" else f"{name}:{precision}" for precision in precisions]


def open_network(text: str, *, threads: int) -> Network:
    """A manifest's name, `NAME:int8` for another of its files, or a file with what it does not tell:
    `PATH[,option=value...]`.

    Raises:
        EvaluationError: there is no such model, or it cannot be run.
    """
    path, options = parse(text)
    kind = _FILES.get(path.suffix)
    try:
        return _described(text, threads) if kind is None else _file(path, options, kind, threads)
    except (EvaluationError, ModelError, BackendError, OSError) as error:
        raise EvaluationError(f"{text}: {error}") from error


def _folders() -> tuple[Path, Path]:
    """Where the service looks, in its order."""
    return MODELS, MODELS.parent / (os.environ.get("CLEARCANVAS_RUNNER__MODELS_FOLDER") or "state/models")


def _described(text: str, threads: int) -> Network:
    name, _, precision = text.partition(":")
    manifest = ModelManifest.load(name, *_folders())
    wanted = _precision(precision or "fp32")
    digest = hashlib.sha256(manifest.weights(wanted)).hexdigest()
    backend = OrtBackend(manifest, device="cpu", threads=threads, precision=wanted)
    return Network(
        text, digest, manifest.input.size, backend, darken_light=manifest.darken_light, close_ups=manifest.close_ups
    )


def _precision(text: str) -> Precision:
    try:
        return TypeAdapter(Precision).validate_python(text)
    except ValidationError as error:
        raise EvaluationError(f"{text!r} is not a precision; there are: {', '.join(get_args(Precision))}.") from error


def _file(path: Path, options: Options, kind: _Kind, threads: int) -> Network:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    backend = kind(path, options, threads)
    return Network(
        options.name or path.stem,
        digest,
        backend.size,
        backend,
        darken_light=options.darken_light,
        close_ups=options.close_ups,
    )
