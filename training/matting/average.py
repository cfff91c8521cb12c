"""Several runs in one network: the mean of their weights (Wortsman et al. 2022, "Model soups").

It says something only of runs that began with the same weights, as one does that went on from another (`--from`).
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from onnx import numpy_helper

from training.matting.experiment import ExperimentError
from training.matting.exported import read
from training.matting.run import RunFolder, replaced, sha256


def average(runs: Sequence[Path], out: Path) -> None:
    """Write the mean of the weights that these runs ended with, and their digests, as a run's folder to export from.

    Raises ExperimentError when a run is not over, networks differ, or `out` holds a run.
    """
    folders = [RunFolder(run) for run in runs]
    experiments = [folder.experiment() for folder in folders]
    if any(experiment.network.shape != experiments[0].network.shape for experiment in experiments):
        raise ExperimentError("These runs trained networks of different shapes, which have no mean.")
    states = [folder.load(folder.weights) for folder in folders]
    made = RunFolder(out)
    made.begin(experiments[-1], resume=False)
    made.save(made.weights, {name: _mean([state[name] for state in states]) for name in states[0]})
    parts = [
        {"run": experiment.name, "weights": sha256(folder.weights)}
        for experiment, folder in zip(experiments, folders, strict=True)
    ]
    made.write("average.json", (json.dumps(parts, indent=2) + "\n").encode())
    made.seal()


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Whole numbers are counts of batches, which nothing reads any more."""
    return torch.stack(list(values)).mean(0) if values[0].is_floating_point() else values[0]


def average_files(files: Sequence[Path], out: Path) -> None:
    """Write the mean of the weights of exported networks, as when a run went on from one of which there is no run.

    Raises ExperimentError when a file cannot be read or the networks differ in form.
    """
    networks = [read(file) for file in files]
    stored = [{each.name: numpy_helper.to_array(each) for each in network.graph.initializer} for network in networks]
    forms = [{name: (values.shape, values.dtype) for name, values in each.items()} for each in stored]
    if any(form != forms[0] for form in forms):
        raise ExperimentError("These files hold networks of different forms, which have no mean.")
    mean = networks[0]
    for each in mean.graph.initializer:
        values = stored[0][each.name]
        if np.issubdtype(values.dtype, np.floating):
            middle = np.mean([network[each.name] for network in stored], axis=0, dtype=np.float64)
            each.CopyFrom(numpy_helper.from_array(middle.astype(values.dtype), each.name))
    out.parent.mkdir(parents=True, exist_ok=True)
    replaced(out, lambda stream: stream.write(mean.SerializeToString(deterministic=True)))
