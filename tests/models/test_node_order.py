"""Nodes in an order that ONNX allows."""

import numpy as np
import onnx
import pytest
from onnx import GraphProto, TensorProto, helper

from models.manifest import ModelError
from models.node_order import sort_nodes
from tests.modelkit.zoo.graphs import constant, conv, node


def _names(graph: GraphProto) -> list[str]:
    return [each.output[0] for each in graph.node]


def _graph(*nodes: onnx.NodeProto) -> GraphProto:
    return helper.make_graph(list(nodes), "it", [], [])


def test_each_comes_after_what_it_reads() -> None:
    graph = _graph(node("Relu", ["logits"], "r"), *reversed(conv()))
    sort_nodes(graph)
    assert _names(graph) == ["w", "logits", "r"]


def test_a_good_order_is_kept() -> None:
    graph = _graph(*constant("b", np.zeros(1)), *constant("a", np.zeros(1)), node("Add", ["a", "b"], "c"))
    sort_nodes(graph)
    assert _names(graph) == ["b", "a", "c"]


def test_what_an_inner_graph_reads_from_outside_comes_before_it() -> None:
    given = helper.make_tensor_value_info("inner", TensorProto.FLOAT, [1])
    branch = helper.make_graph([node("Neg", ["n"], "inner"), node("Relu", ["outer"], "n")], "b", [], [given])
    choice = helper.make_node("If", ["c"], ["chosen"], then_branch=branch, else_branch=branch)
    graph = _graph(choice, *constant("outer", np.zeros(1, np.float32)), *constant("c", np.array(True)))
    sort_nodes(graph)
    assert _names(graph)[-1] == "chosen"
    assert [_names(each.g) for each in graph.node[-1].attribute] == [["n", "inner"]] * 2


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ModelError, match="has a cycle"):
        sort_nodes(_graph(node("Relu", ["a"], "b"), node("Relu", ["b"], "a")))
