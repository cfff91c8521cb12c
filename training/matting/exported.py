"""Exported networks read back as ONNX."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from training.matting.experiment import ExperimentError


def read(file: Path) -> onnx.ModelProto:
    """The network of a file. Raises ExperimentError when it cannot be read."""
    try:
        return onnx.load(file)
    except (OSError, DecodeError) as error:
        raise ExperimentError(f"{file} cannot be read as ONNX: {error}") from error
