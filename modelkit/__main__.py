"""python -m modelkit: get, wrap and judge matting networks. The packages come with the extra `modelkit`."""

from pathlib import Path
from typing import Annotated

import typer

from modelkit.zoo.commands import app as catalogue
from modelkit.zoo.commands import told

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tools around the matting networks that the service runs.",
)


@app.callback()
def modelkit() -> None:
    """Keeps the commands' names, even where there is only one."""


@app.command()
def evaluate(
    *,
    folders: Annotated[list[Path], typer.Argument(help="Folders of pictures: X.jpg and its alpha X.png.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A manifest's name, or PATH.onnx|PATH.tflite[,option=value...]; may be repeated. Options: name, size, "
            "layout=nchw|nhwc, normalise=unit|signed|imagenet|bytes|MEAN/STD, output=INDEX, "
            "values=probabilities|logits|bytes|labels. Without it: every manifest."
        ),
    ] = None,
    training_data: Annotated[
        list[Path] | None, typer.Option(help="Folder in which no evaluation picture may occur; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.json and sheet.png.")] = Path("results/evaluation"),
    cases: Annotated[int, typer.Option(min=1, help="Worst and typical cases on the sheet, each.")] = 6,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of one network.")] = 1,
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures per folder, spread evenly.")] = None,
    variant: Annotated[
        list[str] | None,
        typer.Option(help="Variant of pre- and post-processing, see docs/evaluation.md, or all; may be repeated."),
    ] = None,
) -> None:
    """Measure networks side by side on pictures with known alpha: a table, a JSON report and a sheet of cases."""
    from modelkit.evaluation.command import evaluate as run  # noqa: PLC0415 - packages that other commands need not
    from modelkit.evaluation.errors import EvaluationError  # noqa: PLC0415 - as above

    try:
        run(
            folders,
            model or [],
            training_data or [],
            out=out,
            cases=cases,
            threads=threads,
            limit=limit,
            variants=variant or ["service"],
        )
    except EvaluationError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


@app.command()
def looks(
    *,
    folders: Annotated[list[Path], typer.Argument(help="Folders of pictures; a manifest.csv beside them tells kinds.")],
    model: Annotated[list[str] | None, typer.Option(help="As for evaluate; the default model without it.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for looks.json and the sheets.")] = Path("results/looks"),
    order: Annotated[
        str, typer.Option(help="What comes first on the sheets: haze, difference of the last from the first, or name.")
    ] = "haze",
    cases: Annotated[int | None, typer.Option(min=1, help="Pictures on the sheets; all without it.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of one network.")] = 1,
    variant: Annotated[list[str] | None, typer.Option(help="As for evaluate.")] = None,
) -> None:
    """Cut pictures of unknown alpha out, count the hazy ones per kind, and lay them on magenta, white and black."""
    from modelkit.evaluation.errors import EvaluationError  # noqa: PLC0415 - as above
    from modelkit.evaluation.looks import look  # noqa: PLC0415 - as above
    from runners import RunnerConfig  # noqa: PLC0415 - packages that other commands need not

    try:
        names, variants = model or [RunnerConfig().model], variant or ["service"]
        look(folders, names, out=out, order=order, cases=cases, threads=threads, variants=variants)
    except EvaluationError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


@app.command()
def quantise(
    *,
    file: Annotated[Path, typer.Argument(help="A network of our form: uint8 pictures in, uint8 alpha out.")],
    out: Annotated[Path, typer.Argument(help="Where the quantised network goes.")],
    calibrate: Annotated[
        Path | None, typer.Option(help="Folder of pictures as the network will see them. Without it: made in code.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=3, help="Pictures to calibrate on.")] = 64,
    cutouts: Annotated[
        Path | None,
        typer.Option(help="Folder of cut-outs, to calibrate on subjects near the colour of their ground, too."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Beginning of the names of nodes that stay float; may be repeated.")
    ] = None,
    reduce_range: Annotated[
        bool, typer.Option("--reduce-range", help="Weights of 7 bits, for processors with AVX2 but without VNNI.")
    ] = False,
) -> None:
    """Bring a network to 8-bit weights and activations, check it and tell how near it stays to the original."""
    with told():
        from modelkit.quantisation.command import run  # noqa: PLC0415 - packages that other commands need not

        run(
            file,
            out,
            calibrate,
            cutouts,
            pictures=pictures,
            keep=keep or [],
            reduce_range=reduce_range,
        )


@app.command()
def half(
    name: Annotated[str, typer.Argument(help="A manifest with [variants.fp16], which says what stays in fp32.")],
    out: Annotated[Path | None, typer.Option(show_default="beside the weights", help="Where the file goes.")] = None,
) -> None:
    """Make the fp16 file of a model for TensorRT and CUDA, and print its SHA-256 for the manifest."""
    with told():
        from modelkit.precision.half import write_half  # noqa: PLC0415 - as above
        from models import ModelManifest  # noqa: PLC0415 - others need not

        manifest = ModelManifest.load(name)
        file = out or manifest.path.with_name(f"{name}-fp16.onnx")
        typer.echo(f"{file}  SHA-256 {write_half(manifest, file)}")


@app.command()
def golden() -> None:
    """Make the golden pictures, and what each shipped model gives for them in fp32 on the CPU."""
    with told():
        from modelkit.precision.golden import write_golden  # noqa: PLC0415 - packages that other commands need not

        for file in write_golden():
            typer.echo(f"{file}  {file.stat().st_size / 1e6:.2f} MB")


app.add_typer(catalogue)

if __name__ == "__main__":
    app()
