"""Rewrites an ONNX graph into a form that TensorRT's parser accepts."""

from typing import NamedTuple

import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto

from models import sort_nodes

__all__ = ["parseable"]

LAYOUT_OPS = {"Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
"""Operations that only move values, so a Cast may be before or after them."""


class _Operation(NamedTuple):
    """A node's operation, without its data input and output."""

    name: str
    op_type: str
    attributes: list[onnx.AttributeProto]
    others: list[str]


def parseable(content: bytes) -> bytes:
    """The graph with uint8 only at its input and output; outputs stay bit-identical. Unchanged if it is already valid.

    TensorRT supports uint8 only for network inputs and outputs directly next to a Cast. `clearcanvas-matte-4` was
    exported with a Transpose of bytes before the Cast; models imported earlier reshape bytes after their Cast.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    chains = [_from_input(graph, end.name) for end in graph.input if _is_bytes(end)]
    chains += [_from_output(graph, end.name) for end in graph.output if _is_bytes(end)]
    moved = [_rotate(graph, chain) for chain in chains]
    if not any(moved):
        return content
    sort_nodes(graph)
    return bytes(model.SerializeToString(deterministic=True))


def _is_bytes(end: ValueInfoProto) -> bool:
    return bool(end.type.tensor_type.elem_type == TensorProto.UINT8)


def _from_input(graph: GraphProto, value: str) -> list[tuple[NodeProto, int]]:
    """Layout operations from an input up to the Cast, each with the index of the operation that it takes over."""
    chain: list[NodeProto] = []
    while (node := _only_reader(graph, value)) is not None and node.op_type in LAYOUT_OPS:
        chain.append(node)
        value = node.output[0]
    if node is None or node.op_type != "Cast":
        return []
    return [(each, place - 1) for place, each in enumerate([*chain, node])]


def _from_output(graph: GraphProto, value: str) -> list[tuple[NodeProto, int]]:
    """The Cast and the layout operations after it, up to an output."""
    chain: list[NodeProto] = []
    while (node := _maker(graph, value, readers=len(chain[:1]))) is not None and node.op_type in LAYOUT_OPS:
        chain.insert(0, node)
        value = node.input[0]
    if node is None or node.op_type != "Cast":
        return []
    whole = [node, *chain]
    return [(each, (place + 1) % len(whole)) for place, each in enumerate(whole)]


def _rotate(graph: GraphProto, chain: list[tuple[NodeProto, int]]) -> bool:
    """Each node takes over another node's operation in the chain; intermediate values keep their names."""
    if len(chain) < 2:
        return False
    work = [_Operation(node.name, node.op_type, list(node.attribute), list(node.input)[1:]) for node, _ in chain]
    for node, place in chain:
        _take_over(node, work[place])
    inside = {node.output[0] for node, _ in chain[:-1]}
    remaining = [each for each in graph.value_info if each.name not in inside]  # their types changed
    del graph.value_info[:]
    graph.value_info.extend(remaining)
    return True


def _take_over(node: NodeProto, work: _Operation) -> None:
    node.name, node.op_type = work.name, work.op_type
    del node.attribute[:], node.input[1:]
    node.attribute.extend(work.attributes)
    node.input.extend(work.others)


def _only_reader(graph: GraphProto, value: str) -> NodeProto | None:
    readers = [node for node in graph.node if value in node.input]
    return readers[0] if len(readers) == 1 else None


def _maker(graph: GraphProto, value: str, *, readers: int) -> NodeProto | None:
    """The node that computes the value, if it has exactly this number of readers."""
    if sum(value in node.input for node in graph.node) != readers:
        return None
    return next((node for node in graph.node if value in node.output), None)
