"""One phase of the benchmark, in a process of its own: `python -m benchmarks.gpu.phases PHASE --out FOLDER`.

    prepare    the two networks, their fp16 forms, pictures, and what ONNX Runtime's CPU gives for them in fp32
    machine    versions, and what the device reaches: matrix products and copies
    torch      eager and as a CUDA graph, fp32 and fp16
    cuda       ONNX Runtime's CUDA provider
    cpu        ONNX Runtime's CPU provider
    tensorrt   engines of `tensorrt` or `tensorrt_rtx`, fp16 and fp32

Each writes FOLDER/PHASE.json: rows with the network, what ran it, the batch, milliseconds, and how far its alphas are
from the reference. A row without a distance does not count.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Run = Callable[[Pixels], Pixels]
Row = dict[str, Any]

NETWORKS = ("shipped", "large")
PACKAGES = ("torch", "onnxruntime", "onnxruntime-gpu", "tensorrt", "tensorrt-rtx-cu13", "cuda-bindings", "numpy")


class Folder:
    """What the phases share.

    Args:
        device: "cuda" or, for a dry run, "cpu".
        batches: sizes of batch to measure.
        seconds: for each, at least.
    """

    def __init__(self, path: Path, *, device: str, batches: tuple[int, ...], seconds: float) -> None:
        self.path, self.device, self.batches, self.seconds = path, device, batches, seconds
        path.mkdir(parents=True, exist_ok=True)

    def graph(self, network: str, precision: str) -> bytes:
        """ONNX."""
        return (self.path / f"{network}-{precision}.onnx").read_bytes()

    def pictures(self, network: str) -> tuple[Pixels, Pixels]:
        """uint8 [K,S,S,3], and the reference's alphas [K,S,S]."""
        with np.load(self.path / f"{network}.npz") as stored:
            return stored["pictures"], stored["alphas"]

    def measured(self, network: str, what: str, run: Run) -> Iterator[Row]:
        """A row for each size of batch that there is memory for."""
        pictures, alphas = self.pictures(network)
        for batch in self.batches:
            places = np.arange(batch) % len(pictures)
            row: Row = {"network": network, "what": what, "batch": batch}
            try:
                found = run(pictures[places])
                apart = np.abs(found.astype(int) - alphas[places])
                row |= {
                    "mean": float(apart.mean()),
                    "p99_9": float(np.percentile(apart, 99.9)),
                }
                row |= self._timed(partial(run, pictures[places]))
            except Exception as error:  # noqa: BLE001  # whatever a runtime raises is a result; the next size is larger
                yield row | {"error": f"{type(error).__name__}: {error}"[:500]}
                return
            yield row | {"pictures_per_s": batch / row["ms"] * 1000}

    def _timed(self, run: Callable[[], object]) -> Row:
        for _ in range(2):
            run()
        times: list[float] = []
        ends_at = time.perf_counter() + self.seconds
        while len(times) < 3 or time.perf_counter() < ends_at:
            began = time.perf_counter()
            run()
            times.append(time.perf_counter() - began)
        return {"ms": 1000 * float(np.median(times)), "ms_fastest": 1000 * min(times), "runs": len(times)}


def prepare(folder: Folder) -> Iterator[Row]:
    """The networks and what they should give; takes minutes on a CPU for the large one."""
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415  # each phase needs its own

    from benchmarks.gpu.graphs import LARGE, TINY, large_network  # noqa: PLC0415  # as above
    from benchmarks.gpu.work import work  # noqa: PLC0415  # as above
    from modelkit.precision.half import half  # noqa: PLC0415  # as above
    from models import ModelManifest  # noqa: PLC0415  # as above
    from runners.inference import golden_pictures, scaled  # noqa: PLC0415  # as above
    from runners.tensorrt.graph import parseable  # noqa: PLC0415  # as above

    manifest = ModelManifest.load("clearcanvas-matte-6")
    shape = LARGE if folder.device == "cuda" else TINY
    large_network(folder.path / "large-fp32.onnx", shape)
    (folder.path / "large-fp16.onnx").write_bytes(half(folder.graph("large", "fp32"), ("head/", "tail/")))
    (folder.path / "shipped-fp32.onnx").write_bytes(parseable(manifest.weights()))
    (folder.path / "shipped-fp16.onnx").write_bytes(manifest.weights("fp16"))
    for network, size in (("shipped", manifest.input.size), ("large", shape.size)):
        pictures = scaled(golden_pictures(), size)[: 2 if network == "large" else None]
        began = time.perf_counter()
        session = onnxruntime.InferenceSession(folder.graph(network, "fp32"), providers=["CPUExecutionProvider"])
        alphas = np.concatenate([session.run(None, {"image": each[None]})[0] for each in pictures])
        np.savez(folder.path / f"{network}.npz", pictures=pictures, alphas=alphas)
        counted = work(folder.graph(network, "fp32"))
        seconds = round(time.perf_counter() - began, 1)
        yield {"network": network, "size": size, "seconds": seconds, **vars(counted), "spread": int(np.ptp(alphas))}


def machine(folder: Folder) -> Iterator[Row]:
    """Versions, and what the device reaches."""
    row: Row = {"python": sys.version.split()[0], "machine": platform.processor() or platform.machine()}
    for package in PACKAGES:
        try:
            row[package] = version(package)
        except PackageNotFoundError:
            continue
    if program := shutil.which("nvidia-smi"):
        fields = "name,driver_version,memory.total,clocks.max.sm,power.limit"
        command = [program, f"--query-gpu={fields}", "--format=csv,noheader"]
        row["nvidia_smi"] = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    yield row | _peaks(folder)


def _peaks(folder: Folder) -> Row:
    """FLOP/s of matrix products and bytes/s of copies, as torch reaches them."""
    import torch  # noqa: PLC0415  # each phase needs its own

    side, bytes_ = (8192, 2**30) if folder.device == "cuda" else (1024, 2**26)
    found: Row = {}
    for name, kind in (("fp32", torch.float32), ("fp16", torch.float16)):
        factor = torch.randn(side, side, device=folder.device, dtype=torch.float32).to(kind)
        seconds = _torch_seconds(folder, partial(torch.matmul, factor, factor))
        found[f"flops_{name}"] = 2 * side**3 / seconds
    block = torch.zeros(bytes_, dtype=torch.uint8, device=folder.device)
    found["bytes_per_s"] = 2 * bytes_ / _torch_seconds(folder, block.clone)
    return found


def _torch_seconds(folder: Folder, run: Callable[[], object]) -> float:
    import torch  # noqa: PLC0415  # as above

    def waited() -> None:
        run()
        if folder.device == "cuda":
            torch.cuda.synchronize()

    return float(folder._timed(waited)["ms_fastest"]) / 1000


def torch_(folder: Folder) -> Iterator[Row]:
    """Eager, and as a CUDA graph for each size of batch."""
    import torch  # noqa: PLC0415  # each phase needs its own

    from benchmarks.gpu.torch_graph import TorchGraph  # noqa: PLC0415  # as above

    torch.set_grad_enabled(False)
    for network in NETWORKS:
        for precision in ("fp16", "fp32") if folder.device == "cuda" else ("fp32",):
            graph = TorchGraph(folder.graph(network, "fp32"), folder.device, half=precision == "fp16")

            def eager(images: Pixels, graph: TorchGraph = graph) -> Pixels:
                return np.asarray(graph(torch.from_numpy(images).to(folder.device)).cpu().numpy())

            yield from folder.measured(network, f"torch eager {precision}", eager)
            if folder.device == "cuda":
                yield from folder.measured(network, f"torch CUDA graph {precision}", _captured(graph))


def _captured(graph: Any) -> Run:
    import torch  # noqa: PLC0415  # as above

    kept: dict[int, tuple[Any, Any, Any]] = {}

    def run(images: Pixels) -> Pixels:
        if len(images) not in kept:
            taken = torch.from_numpy(images).cuda()
            graph(taken)
            torch.cuda.synchronize()
            recorded = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recorded):
                given = graph(taken)
            kept[len(images)] = recorded, taken, given
        recorded, taken, given = kept[len(images)]
        taken.copy_(torch.from_numpy(images))
        recorded.replay()
        return np.asarray(given.cpu().numpy())

    return run


def _onnxruntime(folder: Folder, provider: str, precisions: tuple[str, ...]) -> Iterator[Row]:
    if folder.device == "cuda":
        import torch  # noqa: F401, PLC0415  # it loads CUDA's libraries where nobody else would find them
    from runners.inference import BackendError  # noqa: PLC0415  # each phase needs its own
    from runners.ort_backend import session  # noqa: PLC0415  # as above

    for network, precision in product(NETWORKS, precisions):
        what = f"onnxruntime {provider} {precision}"
        try:
            strict = provider != "CPUExecutionProvider"
            made = session(folder.graph(network, precision), provider, 0, strict=strict)
        except BackendError as error:
            yield {"network": network, "what": what, "error": str(error)[:300]}
            continue

        def run(images: Pixels, made: Any = made) -> Pixels:
            return np.asarray(made.run(None, {"image": images})[0])

        yield from folder.measured(network, what, run)


def cuda(folder: Folder) -> Iterator[Row]:
    """ONNX Runtime on the GPU, every node of it."""
    yield from _onnxruntime(folder, "CUDAExecutionProvider", ("fp16", "fp32"))


def cpu(folder: Folder) -> Iterator[Row]:
    """ONNX Runtime on the CPU."""
    yield from _onnxruntime(folder, "CPUExecutionProvider", ("fp32",))


def tensorrt(folder: Folder) -> Iterator[Row]:
    """Engines by the service's own code: built, run through `CudaEngine`, each size of batch a CUDA graph."""
    from runners.tensorrt.build import BuildSpec, build  # noqa: PLC0415  # each phase needs its own
    from runners.tensorrt.module import tensorrt_module  # noqa: PLC0415  # as above

    trt = tensorrt_module()
    for network in NETWORKS:
        size = folder.pictures(network)[0].shape[1]
        most = max(folder.batches) if network == "shipped" else min(8, max(folder.batches))
        for precision in ("fp16", "fp32"):
            began = time.perf_counter()
            recipe = BuildSpec(folder.graph(network, precision), "image", size, most, tf32=True)
            plan = build(trt, recipe).plan
            built: Row = {"network": network, "what": f"{trt.__name__} {trt.__version__} {precision}"}
            yield built | {"build_s": round(time.perf_counter() - began, 1), "megabytes": round(len(plan) / 1e6, 1)}
            yield from _engine_rows(folder, trt, built, plan, size=size, most=most)


def _engine_rows(folder: Folder, trt: Any, built: Row, plan: bytes, *, size: int, most: int) -> Iterator[Row]:
    from cuda.bindings import runtime as cudart  # noqa: PLC0415  # as above

    from runners.inference import BackendError  # noqa: PLC0415  # as above
    from runners.tensorrt.cuda import CudaDevice  # noqa: PLC0415  # as above

    try:
        device = CudaDevice(trt, cudart, runtime_cache=folder.path / "rtx.cache")
        engine = device.open(plan, input="image", output="alpha", size=size, max_batch=most)
    except BackendError as error:
        yield built | {"error": str(error)}
        return
    fitting = [batch for batch in folder.batches if batch <= most]
    limited = Folder(folder.path, device=folder.device, batches=tuple(fitting), seconds=folder.seconds)
    yield from limited.measured(built["network"], built["what"], engine)
    engine.close()


PHASES: dict[str, Callable[[Folder], Iterator[Row]]] = {
    "prepare": prepare,
    "machine": machine,
    "torch": torch_,
    "cuda": cuda,
    "cpu": cpu,
    "tensorrt": tensorrt,
}


def main() -> None:
    """Run one phase; what it had found stays there when it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("phase", choices=PHASES)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batches", type=lambda text: tuple(map(int, text.split(","))), default=(1, 2, 4, 8, 16, 32))
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    folder = Folder(options.out, device=options.device, batches=options.batches, seconds=options.seconds)
    rows: list[Row] = []
    for row in PHASES[options.phase](folder):
        rows.append(row)
        (options.out / f"{options.phase}.json").write_text(json.dumps(rows, indent=1))
        print(json.dumps(row), flush=True)  # noqa: T201  # a command's output


if __name__ == "__main__":
    main()
