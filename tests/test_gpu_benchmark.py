"""What the GPU benchmark rests on, as far as it can be tried without one: its network, its counts, its report."""

import json
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest

from benchmarks.gpu.graphs import TINY, large_network
from benchmarks.gpu.phases import Folder, Pixels
from benchmarks.gpu.report import report
from benchmarks.gpu.work import Work, work
from modelkit.precision.half import half
from runners.tensorrt.build import BuildSpec, build
from tests.shipped import SHIPPED


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The small form of the large network."""
    file = tmp_path_factory.mktemp("gpu") / "tiny.onnx"
    large_network(file, TINY)
    return file.read_bytes()


def test_the_large_network_is_one_of_our_form(content: bytes, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, TINY.size, TINY.size, 3), np.uint8)
    session = onnxruntime.InferenceSession(content)
    [together] = session.run(None, {"image": pictures})
    assert (together.shape, together.dtype) == (pictures.shape[:3], np.uint8)
    assert np.ptp(together) > 100
    alone = np.concatenate([session.run(None, {"image": each[None]})[0] for each in pictures])
    assert np.abs(together.astype(int) - alone).max() <= 1
    large_network(tmp_path / "again.onnx", TINY)
    assert (tmp_path / "again.onnx").read_bytes() == content


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_tensorrt_builds_it(content: bytes, precision: str) -> None:
    trt = pytest.importorskip("tensorrt_rtx_bindings", reason="`make setup` installs requirements/tensorrt-check.txt")
    graph = half(content, ("head/", "tail/")) if precision == "fp16" else content
    assert build(trt, BuildSpec(graph, "image", TINY.size, 2, tf32=True)).plan


def test_what_the_shipped_network_computes_is_counted() -> None:
    """5.08 GFLOP by layers, as its convolutions were counted by another program."""
    counted = work(SHIPPED.weights())
    assert counted.flop == pytest.approx(5.08e9, rel=0.01)
    assert counted.weights == pytest.approx(4.77e6, rel=0.01)


def test_the_roofline_is_the_slower_of_arithmetic_and_memory() -> None:
    job = Work(flop=1_000, values=100, weights=50)
    assert job.seconds(2, flops=1e3, bytes_per_s=1e9, bytes_each=2) == pytest.approx(2.0)
    assert job.seconds(2, flops=1e9, bytes_per_s=1e2, bytes_each=2) == pytest.approx(5.0)


def test_every_row_has_its_distance_and_its_share_of_the_roofline(tmp_path: Path) -> None:
    folder = Folder(tmp_path, device="cpu", batches=(1, 3), seconds=0.01)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "shipped.npz", pictures=pictures, alphas=pictures[..., 0])

    def run(images: Pixels) -> Pixels:
        if len(images) > 1:
            raise MemoryError("no room")
        return np.asarray(images[..., 0] ^ 1, np.uint8)

    one, three = folder.measured("shipped", "it fp16", run)
    assert (one["batch"], one["mean"], one["p99_9"]) == (1, 1.0, 1.0)
    assert three["error"] == "MemoryError: no room"
    machine = {"flops_fp16": 1e9, "flops_fp32": 1.0, "bytes_per_s": 1e12}
    files = {"prepare": [{"network": "shipped", "flop": 10**6, "values": 1, "weights": 1}], "machine": [machine]}
    for name, rows in (files | {"cuda": [one | {"ms": 4.0}, three]}).items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    assert [row.get("of_roofline") for row in report(tmp_path)["rows"]] == [0.25, None]
