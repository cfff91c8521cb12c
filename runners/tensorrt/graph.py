"""An ONNX graph in the form that TensorRT's parser takes."""

from typing import NamedTuple

import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto

from models import sort_nodes

MOVERS = {"Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
"""They move values and compute nothing, so it does not matter on which side of them a Cast stands."""


class _Work(NamedTuple):
    """What a node does, without where its one value comes from and goes to."""

    name: str
    op_type: str
    attributes: list[onnx.AttributeProto]
    others: list[str]


def parseable(content: bytes) -> bytes:
    """The same graph with bytes at its two ends alone, every output bit-identical; itself where it is so already.

    TensorRT knows uint8 at the ends of a network only, each with a Cast directly at it. `clearcanvas-matte-4` was
    exported with a Transpose of bytes before the Cast; models that were added earlier reshape bytes behind theirs.
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
    """Movers from an input on, up to and with the Cast; with each the place it takes its work from."""
    chain: list[NodeProto] = []
    while (node := _only_reader(graph, value)) is not None and node.op_type in MOVERS:
        chain.append(node)
        value = node.output[0]
    if node is None or node.op_type != "Cast":
        return []
    return [(each, place - 1) for place, each in enumerate([*chain, node])]


def _from_output(graph: GraphProto, value: str) -> list[tuple[NodeProto, int]]:
    """The Cast and the movers behind it, up to an output."""
    chain: list[NodeProto] = []
    while (node := _maker(graph, value, readers=len(chain[:1]))) is not None and node.op_type in MOVERS:
        chain.insert(0, node)
        value = node.input[0]
    if node is None or node.op_type != "Cast":
        return []
    whole = [node, *chain]
    return [(each, (place + 1) % len(whole)) for place, each in enumerate(whole)]


def _rotate(graph: GraphProto, chain: list[tuple[NodeProto, int]]) -> bool:
    """Each node takes over the work of another of the chain; the values between keep their names."""
    if len(chain) < 2:
        return False
    work = [_Work(node.name, node.op_type, list(node.attribute), list(node.input)[1:]) for node, _ in chain]
    for node, place in chain:
        _take_over(node, work[place])
    inside = {node.output[0] for node, _ in chain[:-1]}
    kept = [each for each in graph.value_info if each.name not in inside]  # their types are others now
    del graph.value_info[:]
    graph.value_info.extend(kept)
    return True


def _take_over(node: NodeProto, work: _Work) -> None:
    node.name, node.op_type = work.name, work.op_type
    del node.attribute[:], node.input[1:]
    node.attribute.extend(work.attributes)
    node.input.extend(work.others)


def _only_reader(graph: GraphProto, value: str) -> NodeProto | None:
    readers = [node for node in graph.node if value in node.input]
    return readers[0] if len(readers) == 1 else None


def _maker(graph: GraphProto, value: str, *, readers: int) -> NodeProto | None:
    """Who gives the value, if it is read so often."""
    if sum(value in node.input for node in graph.node) != readers:
        return None
    return next((node for node in graph.node if value in node.output), None)
