"""The trained network as ONNX in the form that the service runs: uint8 pictures in, uint8 alpha out."""

import tempfile
import warnings
from pathlib import Path

import onnx
import torch

from training.matting.experiment import Experiment, ExperimentError
from training.matting.inference_graph import Deployed
from training.matting.network import MattingNetwork
from training.matting.run import RunFolder, replaced

OPSET = 17
"""TensorRT 8.6 to 11, ONNX Runtime and OpenVINO all take it."""
LARGEST = 20_000_000


def trained(run: Path) -> MattingNetwork:
    """The network with the averaged weights of a run. Raises ExperimentError when it has none yet."""
    folder = RunFolder(run)
    network = MattingNetwork(folder.experiment().network)
    if folder.weights.exists():
        network.load_state_dict(folder.load(folder.weights))
    elif folder.checkpoint.exists():
        state = folder.load(folder.checkpoint)["average"]
        inner = {name.removeprefix("module."): value for name, value in state.items() if name.startswith("module.")}
        network.load_state_dict(inner)
    else:
        raise ExperimentError(f"{run} has no weights and no checkpoint yet.")
    return network.eval()


def export(run: Path, file: Path, side: int) -> Experiment:
    """Write the network of a run as ONNX for pictures of `side` pixels; the same weights give the same bytes.

    Raises ExperimentError when there is nothing to export, the side does not fit, or the file is larger than 20 MB.
    """
    if side % 32:
        raise ExperimentError(f"The side is {side}, but the network halves five times: it must be a multiple of 32.")
    content = _graph(Deployed(trained(run)), side)
    if len(content) > LARGEST:
        raise ExperimentError(f"The network has {len(content)} bytes; at most {LARGEST} are shipped.")
    file.parent.mkdir(parents=True, exist_ok=True)
    replaced(file, lambda stream: stream.write(content))
    return RunFolder(run).experiment()


def _graph(model: Deployed, side: int) -> bytes:
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        # The tracing exporter keeps to opset 17; the new one writes 18 and converts down, which may fail.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        file = Path(folder) / "traced.onnx"
        torch.onnx.export(
            model,
            (torch.zeros((1, side, side, 3), dtype=torch.uint8),),
            file,
            input_names=["image"],
            output_names=["alpha"],
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={"image": {0: "N"}, "alpha": {0: "N"}},
        )
        graph = onnx.load(file)
    # Names of modules and places in our source say nothing to a runtime, and would change the digest.
    for node in graph.graph.node:
        node.ClearField("doc_string")
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString(deterministic=True)
