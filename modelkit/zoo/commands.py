"""python -m modelkit list, show, pull, add, verify."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from models import Colour, Layout, ModelError, Values

app = typer.Typer()

Folder = Annotated[
    Path | None,
    typer.Option(
        envvar="CLEARCANVAS_RUNNER__MODELS_FOLDER",
        show_default="state/models",
        help="Folder of pulled and added models.",
    ),
]


@contextmanager
def told() -> Iterator[None]:
    """A ModelError, and a tool that is not installed, are told in one line."""
    from modelkit.zoo.pull import missing  # noqa: PLC0415 - brings HTTP

    try:
        try:
            yield
        except ModuleNotFoundError as error:
            raise missing(error) from error
    except ModelError as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(1) from error


@app.command("list")
def list_(folder: Folder = None) -> None:
    """Show the shipped, the pulled and the open models."""
    from modelkit.zoo.output import table  # noqa: PLC0415 - others need not

    with told():
        table(_store(folder))


@app.command()
def show(name: Annotated[str, typer.Argument(help="A model's name, see `list`.")], folder: Folder = None) -> None:
    """Show all that is known of one model."""
    from modelkit.zoo.output import facts  # noqa: PLC0415 - others need not

    with told():
        facts(name, _store(folder))


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name of the catalogue, see `list`.")],
    folder: Folder = None,
    sha256: Annotated[str | None, typer.Option(help="What the file has to hash to, if you know it.")] = None,
    accept_non_commercial: Annotated[
        bool, typer.Option("--accept-non-commercial", help="For models that may not be used in a paid service.")
    ] = False,
) -> None:
    """Download a model, check its digest, bring it into our form and check that. Goes on where it broke off."""
    from modelkit.zoo.entries import entry  # noqa: PLC0415 - others need not
    from modelkit.zoo.output import pull as run  # noqa: PLC0415 - others need not

    with told():
        run(name, entry(name), _store(folder), sha256=sha256, accept_non_commercial=accept_non_commercial)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="The network as ONNX.")],
    name: Annotated[str, typer.Option(help="What it shall be called.")],
    licence: Annotated[str, typer.Option(help="Its licence, best as SPDX identifier.")],
    mean: Annotated[Colour | None, typer.Option(help="It takes (pixel / 255 - mean) / std, RGB.")] = None,
    std: Annotated[Colour | None, typer.Option(help="As above.")] = None,
    values: Annotated[Values | None, typer.Option(help="What its output holds. Without it the range decides.")] = None,
    layout: Annotated[Layout | None, typer.Option(help="Axes of its input. Without it the shape decides.")] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Pixels per side, for a graph that takes any.")] = None,
    input: Annotated[str | None, typer.Option(help="Name of the input that takes the picture.")] = None,
    output: Annotated[str | None, typer.Option(help="Index or name of the output that is the alpha.")] = None,
    non_commercial: Annotated[bool, typer.Option("--non-commercial", help="The licence forbids selling.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a model of this name.")] = False,
    folder: Folder = None,
) -> None:
    """Bring a network of your own into our form and check it."""
    with told():
        from modelkit.zoo.import_model import GraphHints, Source, import_model  # noqa: PLC0415 - others need not
        from modelkit.zoo.output import imported  # noqa: PLC0415 - as above

        hints = GraphHints(
            mean=mean,
            std=std,
            values=values,
            layout=layout,
            size=size,
            input=input,
            output=int(output) if output and output.lstrip("-").isdecimal() else output,
        )
        source = Source(f"Added from {file.name}", licence, not non_commercial)
        imported(import_model(file, name, hints, source, _store(folder), replace=replace))


@app.command()
def verify(name: Annotated[str | None, typer.Argument(help="Only this one.")] = None, folder: Folder = None) -> None:
    """Check manifests and digests of the models that are here."""
    from modelkit.zoo.verify import verify as run  # noqa: PLC0415 - others need not

    faulty = False
    with told():
        for each, fault in run(_store(folder), name):
            faulty |= fault is not None
            typer.secho(f"{each}: {fault or 'good'}", fg="red" if fault else None)
    raise typer.Exit(faulty)


def _store(folder: Path | None) -> Path:
    from modelkit.zoo.local_store import LOCAL_MODELS  # noqa: PLC0415 - others need not

    return folder or LOCAL_MODELS
