"""Topological order of a graph's nodes. ONNX requires it; ONNX Runtime does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from models.manifest import ModelError

if TYPE_CHECKING:  # the service's runners have no onnx
    from onnx import GraphProto, NodeProto


def sort_nodes(graph: GraphProto) -> None:
    """Sort the nodes of a graph and of its subgraphs topologically; a valid order is kept.

    Raises:
        ModelError: the graph has a cycle.
    """
    for inner in _inner(graph.node):
        sort_nodes(inner)
    makers = {value: place for place, node in enumerate(graph.node) for value in node.output if value}
    reads = [{makers[value] for value in _read(node) if value in makers} for node in graph.node]
    if all(max(before, default=-1) < place for place, before in enumerate(reads)):
        return
    try:
        order = list(TopologicalSorter(dict(enumerate(reads))).static_order())
    except CycleError as error:
        raise ModelError("The graph has a cycle.") from error
    nodes = [graph.node[place] for place in order]
    del graph.node[:]
    graph.node.extend(nodes)


def _inner(nodes: Iterable[NodeProto]) -> Iterator[GraphProto]:
    """The subgraphs of If, Loop and Scan."""
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield attribute.g
            yield from attribute.graphs


def _read(node: NodeProto) -> Iterator[str]:
    """The values that a node reads, including those that its subgraphs read from outside."""
    yield from node.input
    for inner in _inner([node]):
        for each in inner.node:
            yield from _read(each)
