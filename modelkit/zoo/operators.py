"""Which operators of a graph TensorRT does not know. What it says of the rest is seen when the service starts."""

from collections.abc import Iterator

import onnx
from onnx import GraphProto

_REFUSED = {"DeformConv"}
"""Of the standard, tried with TensorRT-RTX 1.7: `Plugin not found`."""
_STANDARD = ("", "ai.onnx")


def unknown_to_tensorrt(content: bytes) -> list[str]:
    """Names of operators that it cannot parse: those, and whatever another domain than ONNX's own brings."""
    found = _operators(onnx.load_from_string(content).graph)
    return sorted({kind for domain, kind in found if kind in _REFUSED or domain not in _STANDARD})


def _operators(graph: GraphProto) -> Iterator[tuple[str, str]]:
    for node in graph.node:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _operators(inner)
