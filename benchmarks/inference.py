"""CPU milliseconds of networks side by side: `python -m benchmarks.inference A.onnx B.onnx`.

One thread, one picture, ONNX Runtime on the CPU. All networks run in turn on the same made picture, so that whatever
else the machine does meets all of them; ratios are medians over the rounds, to the first network.
"""

import statistics
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it carries no type information
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.imaging import photograph

WARM_UP = 3


def _session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _picture(session: onnxruntime.InferenceSession) -> NDArray[np.uint8]:
    side = session.get_inputs()[0].shape[1]
    return photograph(side, side)[None]


def measure(files: list[Path], runs: int) -> list[list[float]]:
    """CPU milliseconds of this process, by network and round."""
    sessions = [_session(file) for file in files]
    feeds = [{session.get_inputs()[0].name: _picture(session)} for session in sessions]
    times: list[list[float]] = [[] for _ in files]
    for turn in range(WARM_UP + runs):
        for session, feed, took in zip(sessions, feeds, times, strict=True):
            start = time.process_time()
            session.run(None, feed)
            if turn >= WARM_UP:
                took.append(1000 * (time.process_time() - start))
    return times


def main(
    files: Annotated[list[Path], typer.Argument(help="Networks of our form.")],
    runs: Annotated[int, typer.Option(min=1, help="Rounds.")] = 40,
) -> None:
    """Measure and print."""
    times = measure(files, runs)
    table = Table("Network", "MB", "CPU ms, median", "lowest", "ratio to the first")
    for file, took in zip(files, times, strict=True):
        ratio = statistics.median(mine / first for mine, first in zip(took, times[0], strict=True))
        table.add_row(
            file.stem,
            f"{file.stat().st_size / 1e6:.2f}",
            f"{statistics.median(took):.1f}",
            f"{min(took):.1f}",
            f"{ratio:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
