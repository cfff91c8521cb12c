"""`python -m training.matting`: train, export, and send training data to a machine with a GPU in parts."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from training.matting.average import average as average_runs
from training.matting.average import average_files
from training.matting.experiment import Experiment, ExperimentError
from training.matting.export import export as export_run
from training.matting.pack import pack as pack_data
from training.matting.pack import unpack as unpack_data
from training.matting.records import DataError
from training.matting.run import sha256
from training.matting.sharpen import sharpen as sharpen_file
from training.matting.train import Limits, Watch
from training.matting.train import train as train_run
from training.stopping import stoppable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Train the matting network and export it.

    A run in short, on a CPU or a GPU, whichever is there:

        python -m training.matting train default --data DATA --out runs/default --minutes 120

        python -m training.matting export runs/default matte.onnx --side 384

    DATA holds sets of pictures (train_real, train_fg, rendered, rendered_pairs, backgrounds), each with a manifest.csv,
    and the encoder's first weights. A folder whose name begins with "eval" is never trained on: its pictures are
    refused by place, content and look, wherever they turn up.
    """,
)
console = Console(stderr=True, soft_wrap=True)

Data = Annotated[Path, typer.Option(exists=True, file_okay=False, help="The folder with the sets.")]


@app.command()
def train(
    *,
    experiment: Annotated[str, typer.Argument(help="A name in training/matting/experiments, or a .toml file.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="The run's folder: config, curves, sheets, checkpoint, weights, digests.")],
    minutes: Annotated[
        float | None, typer.Option(min=0, help="How long the whole run trains, over all resumes.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="The same in steps, for a run that repeats exactly.")] = None,
    at_most: Annotated[
        float, typer.Option(min=0, help="Stop this call after so many minutes, to resume later.")
    ] = math.inf,
    every: Annotated[float, typer.Option(min=0, help="Minutes between measurements and checkpoints.")] = 3.0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint in OUT, if there is one.")
    ] = False,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", exists=True, help="What a new run begins with: a finished run, or an ONNX file that export made."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; all by default.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Where decoded pictures are kept; runs may share it. OUT/cache.")
    ] = None,
) -> None:
    """Train an experiment.

    Ctrl-C, or a termination signal, ends the step under way and writes a checkpoint; --resume goes on from there as if
    nothing had happened. To train 25 minutes on a machine that gives 10 at a time:

        python -m training.matting train default --data DATA --out RUN --minutes 25 --at-most 9 --resume

    three times. Where files come back only up to a size, `split -b 15m RUN/checkpoint.pt RUN/checkpoint.` cuts the
    checkpoint and `cat` joins it.
    """
    if (minutes is None) == (steps is None):
        raise typer.BadParameter("say how long: either --minutes or --steps")
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    where = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    limits = Limits(minutes=minutes, steps=steps, at_most=at_most, every=every)
    try:
        with _bar() as report, stoppable() as stop:
            rows = train_run(
                Experiment.load(experiment), data, out, limits, device=where, resume=resume, start=start,
                cache_folder=cache, watch=Watch(report, stop),
            )  # fmt: skip
    except (ExperimentError, DataError) as error:
        raise _refused(error) from error
    row = rows[-1] if rows else {}
    console.print(f"{out}: " + ", ".join(f"{name} {value}" for name, value in row.items()))


@app.command()
def average(
    *,
    runs: Annotated[
        list[Path], typer.Argument(exists=True, help="Folders of runs that are over, or ONNX files; not both.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the mean, to export from; of files the mean's own file.")],
) -> None:
    """Take the mean of the weights of runs that began alike, as when one went on from another:

        python -m training.matting average runs/default runs/further --out runs/mean

        python -m training.matting average shipped.onnx further.onnx --out mean.onnx

    What is named twice counts twice. It often judges better than each, at no cost in time.
    """
    if len({run.is_dir() for run in runs}) > 1:
        raise typer.BadParameter("name folders of runs or ONNX files, not both")
    try:
        if runs[0].is_dir():
            average_runs(runs, out)
            result = out / "weights.pt"
        else:
            average_files(runs, out)
            result = out
    except ExperimentError as error:
        raise _refused(error) from error
    console.print(f"{out}: mean of {len(runs)} networks, SHA-256 {sha256(result)}")


@app.command()
def export(
    *,
    run: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder of a run.")],
    file: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    side: Annotated[int, typer.Option(min=32, help="Pixels per side that the graph takes; a multiple of 32.")] = 384,
) -> None:
    """Write a run's averaged weights as ONNX: opset 17, uint8 [N,side,side,3] → uint8 [N,side,side], any N.

    Normalisation and rounding are part of the graph. The same weights give the same bytes. A run that is not over
    gives what its last checkpoint holds.
    """
    try:
        export_run(run, file, side)
    except ExperimentError as error:
        raise _refused(error) from error
    console.print(f"{file}: {file.stat().st_size} bytes, SHA-256 {sha256(file)}")


@app.command()
def sharpen(
    *,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An ONNX file that export made.")],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    factor: Annotated[float, typer.Option(min=1, max=3, help="What its logits are multiplied by.")],
) -> None:
    """Make a network surer: alpha of a half stays, all else moves towards nothing or everything.

    Less of the inside of subjects is half transparent, and soft edges are a little harder: judge both.
    """
    try:
        sharpen_file(file, out, factor)
    except ExperimentError as error:
        raise _refused(error) from error
    console.print(f"{out}: SHA-256 {sha256(out)}")


@app.command()
def pack(
    *,
    data: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder with the sets.")],
    out: Annotated[Path, typer.Argument(help="Folder for the parts and their index.")],
    side: Annotated[int, typer.Option(min=32, help="Pictures whose longer side is over this are scaled down.")] = 384,
    megabytes: Annotated[float, typer.Option(min=1, help="The largest part, in millions of bytes.")] = 55,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG and WebP quality of what is scaled.")] = 86,
    permissive_only: Annotated[
        bool, typer.Option("--permissive-only", help="Only pictures with a stated licence.")
    ] = False,
) -> None:
    """Pack what can be trained on, scaled down, into parts that can be sent one by one."""
    try:
        with _bar() as report:
            parts = pack_data(
                data, out, side=side, quality=quality, megabytes=megabytes, permissive_only=permissive_only,
                seen=lambda done, of: report(done / of, f"file {done} of {of}"),
            )  # fmt: skip
    except DataError as error:
        raise _refused(error) from error
    for part in parts:
        console.print(f"{part}: {part.stat().st_size} bytes")


@app.command()
def unpack(
    *,
    parts: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder with parts and index.")],
    out: Annotated[Path, typer.Argument(help="Where the data folder is put together.")],
) -> None:
    """Put a packed folder together; call it again as parts arrive. Exit code 1 while any is missing."""
    try:
        count = unpack_data(parts, out)
    except DataError as error:
        raise _refused(error) from error
    console.print(f"{out} is complete; {count} files came now.")


@contextmanager
def _bar() -> Iterator[Callable[[float, str], None]]:
    """A progress bar with a line of text; yields what moves it."""
    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("beginning", total=1.0)
        yield lambda done, line: bar.update(task, completed=done, description=line)


def _refused(error: Exception) -> typer.Exit:
    console.print(str(error), style="red", markup=False, highlight=False)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
