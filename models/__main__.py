"""python -m models: get, wrap and judge matting networks. The packages come with the extra `models`."""

from pathlib import Path
from typing import Annotated

import typer

from models.catalogue.commands import app as catalogue

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tools around the matting networks that the service runs.",
)


@app.callback()
def models() -> None:
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
) -> None:
    """Measure networks side by side on pictures with known alpha: a table, a JSON report and a sheet of cases."""
    from models.evaluation.command import evaluate as run  # noqa: PLC0415 - packages that other commands need not
    from models.evaluation.errors import EvaluationError  # noqa: PLC0415 - as above

    try:
        run(folders, model or [], training_data or [], out=out, cases=cases, threads=threads, limit=limit)
    except EvaluationError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


app.add_typer(catalogue)

if __name__ == "__main__":
    app()
