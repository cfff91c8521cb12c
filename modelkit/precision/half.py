"""Half precision: the same graph with its weights and values in 16 bits, but for the nodes that lose by it."""

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnxconverter_common import float16  # type: ignore[import-untyped]

from models import ModelError, ModelManifest
from runners.tensorrt.graph import parseable

SMALLEST, LARGEST = 1e-7, 6e4
"""float16 has next to nothing below and nothing above; the converter moves values to these bounds."""


def half(content: bytes, keep_fp32: Sequence[str]) -> bytes:
    """The graph in float16 with casts around the nodes whose names begin with one of `keep_fp32`.

    What computes at the ends in bytes stays as it is: uint8 in, uint8 out. The same graph gives the same bytes.

    Raises:
        ModelError: a prefix of `keep_fp32` fits no node, or what comes out is not valid ONNX.
    """
    model = onnx.load_from_string(parseable(content))
    named = {node.name: node for node in model.graph.node}
    unused = [prefix for prefix in keep_fp32 if not any(name.startswith(prefix) for name in named)]
    if unused:
        raise ModelError(f"No node of the graph has a name that begins with {', '.join(unused)}.")
    kept = [name for name in named if name.startswith(tuple(keep_fp32))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one for each weight below SMALLEST
        converted = float16.convert_float_to_float16(
            model, min_positive_val=SMALLEST, max_finite_val=LARGEST, keep_io_types=True, node_block_list=kept
        )
    try:
        onnx.checker.check_model(converted, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(f"The graph in float16 is not valid ONNX: {error}") from error
    return bytes(converted.SerializeToString(deterministic=True))


def write_half(manifest: ModelManifest, file: Path) -> str:
    """Make the fp16 variant of a manifest from its fp32 weights and write it; its SHA-256, for the manifest.

    Raises:
        ModelError: the manifest has no `[variants.fp16]`, or as `half`.
    """
    variant = manifest.variants.get("fp16")
    if variant is None:
        raise ModelError(f"{manifest.name} has no [variants.fp16] that says what stays in fp32 (keep_fp32).")
    content = half(manifest.weights(), variant.keep_fp32)
    file.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
