"""`python -m training.render`: make foregrounds with exact alpha, and look at them."""

from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from training.render import manifest, products
from training.render.batch import FOREGROUNDS, BatchError, Render, Report, Task, missing, plan
from training.render.batch import make as make_batch
from training.render.families import FAMILIES
from training.render.sheet import contact_sheet, of_folder
from training.stopping import stoppable

if TYPE_CHECKING:
    from training.render.passes import Quality

NEEDS_BLENDER = (
    "Blender as a Python module is not installed here. It needs Python 3.11 and an environment of its own:\n"
    "    python3.11 -m venv .venv-render && .venv-render/bin/pip install -r training/render/requirements.txt\n"
    "then call this with .venv-render/bin/python; docs/rendering.md says more."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Render foregrounds whose alpha is exact, to train on.

    A batch in short:

        python -m training.render make --out DATA --count 300

    DATA/rendered then holds straight-alpha WebP and a manifest.csv, DATA/rendered_pairs the same things in a set;
    `python -m training.matting train --data DATA` reads both. Needs Blender as a Python module (bpy), in an
    environment of its own: docs/rendering.md.
    """,
)
console = Console(stderr=True, soft_wrap=True)


@app.command()
def make(
    *,
    out: Annotated[Path, typer.Option(file_okay=False, help="Data folder; gets rendered/ and rendered_pairs/.")],
    count: Annotated[int, typer.Option(min=1, help="Pictures in all, those that are there already included.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Number of the first picture; SEED+1 is the second.")] = 0,
    families: Annotated[
        str, typer.Option(help="Which, with commas between; all by default. `families` lists them.")
    ] = "",
    side: Annotated[int, typer.Option(min=32, help="Pixels per side.")] = 512,
    pairs: Annotated[float, typer.Option(min=0, max=1, help="Share of pictures also rendered in a set.")] = 0.25,
    colour: Annotated[int, typer.Option(min=1, help="Samples per pixel for colour, which is denoised.")] = 12,
    alpha: Annotated[int, typer.Option(min=16, help="Most samples per pixel for alpha; soft pixels get them.")] = 256,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of this process.")] = 1,
) -> None:
    """Render a batch; call it again to go on where it stopped.

    Picture number N of a family is the same on every call: its look, light and camera follow from N. A call that was
    stopped, by a crash or by Ctrl-C (which lets it end the picture under way), left only whole pictures behind, and
    the next one skips them. Two processes may
    fill one folder, each with numbers of its own:

        python -m training.render make --out DATA --count 1500 --seed 0 &

        python -m training.render make --out DATA --count 1500 --seed 1500

    which on two cores is faster than one process with two threads. Pictures whose alpha covers under 3 % or over 85 %
    are made anew. At the end a contact sheet lies in OUT/rendered.jpg, and the cost is printed.
    """
    try:
        tasks = plan(seed=seed, count=count, families=[name for name in families.split(",") if name], pairs=pairs)
    except BatchError as error:
        raise _refused(str(error)) from error
    new = len(missing(tasks, out))
    if new:
        render, before = _renderer(side, colour, alpha, threads), process_time()
        with _bar() as bar, stoppable() as stop:
            hopeless = list(make_batch(tasks, out, render, report=_reporter(bar), stop=stop))
        left = len(missing(tasks, out))
        _print_cost(new - left, process_time() - before)
        for task in hopeless:
            console.print(f"{task.stem}: five attempts, none covered between 3 and 85 % of the frame.", style="yellow")
        if left and stop():
            console.print(f"Stopped with {left} pictures left; the same call goes on.")
            raise typer.Exit(130)
    _write_sheet(out / FOREGROUNDS, out / f"{FOREGROUNDS}.jpg", 120)


@app.command("products")
def make_products(
    *,
    out: Annotated[Path, typer.Option(file_okay=False, help="Data folder; gets eval_products/.")],
    count: Annotated[int, typer.Option(min=1, help="Pictures.")] = products.COUNT,
    side: Annotated[int, typer.Option(min=32, help="Pixels per side.")] = 384,
    colour: Annotated[int, typer.Option(min=1, help="Samples per pixel for colour, which is denoised.")] = 4,
    alpha: Annotated[int, typer.Option(min=16, help="Most samples per pixel for alpha; soft pixels get them.")] = 48,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of this process.")] = 1,
) -> None:
    """Render the pictures of products that networks are judged by, in scenes, with exact alpha beside each.

    No batch brings these things. The same call gives the same pictures; it makes what is missing. Judge by them with

        python -m modelkit evaluate OUT/eval_products
    """
    quality, before = _quality(side, colour, alpha, threads), process_time()
    from training.render.picture import in_scene  # noqa: PLC0415 - the other commands need no Blender

    new = products.missing(out, count)
    with _bar() as bar:
        report = _reporter(bar)
        for done, stem in enumerate(products.make(out, lambda number: in_scene(number, quality), count), 1):
            report(done, count, stem)
    _print_cost(new - products.missing(out, count), process_time() - before)


@app.command()
def sheet(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder with a manifest.csv.")],
    out: Annotated[Path | None, typer.Option(help="The JPEG to write; FOLDER.jpg by default.")] = None,
    most: Annotated[int, typer.Option(min=1, help="At most so many pictures, spread over the folder.")] = 120,
    tile: Annotated[int, typer.Option(min=32, help="Pixels per side of a picture on the sheet.")] = 160,
    columns: Annotated[int, typer.Option(min=1, help="Pictures per row.")] = 10,
) -> None:
    """Write a contact sheet of a folder of foregrounds, on magenta and chequers by turns.

    Look at it before you train: what is wrong with a family shows here and nowhere else. Needs no Blender.
    """
    _write_sheet(folder, out or folder.with_suffix(".jpg"), most, tile, columns)


@app.command()
def families() -> None:
    """List the families: what each is for, how often it comes, and how many kinds of thing it has."""
    table = Table("family", "weight", "kinds", "what it is for")
    for name, family in FAMILIES.items():
        table.add_row(name, str(family.weight), str(len(set(family.kinds))), family.why)
    Console().print(table)


def _quality(side: int, colour: int, alpha: int, threads: int) -> "Quality":
    if find_spec("bpy") is None:
        raise _refused(NEEDS_BLENDER)
    from training.render.passes import Quality  # noqa: PLC0415 - the other commands need no Blender

    return Quality(side=side, colour=colour, alpha=alpha, threads=threads)


def _renderer(side: int, colour: int, alpha: int, threads: int) -> Render:
    quality = _quality(side, colour, alpha, threads)
    from training.render.picture import Picture, render  # noqa: PLC0415 - the other commands need no Blender

    def one(task: Task) -> Picture | None:
        return render(task.number, task.family, quality, pair=task.pair)

    return one


def _bar() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, TextColumn("{task.description}"), console=console)


def _reporter(bar: Progress) -> Report:
    line = bar.add_task("", total=None)
    return lambda done, of, name: bar.update(line, completed=done, total=of, description=name)


def _print_cost(pictures: int, seconds: float) -> None:
    rate = f"{pictures / seconds * 3600:.0f} per core-hour" if seconds else "no time"
    console.print(f"{pictures} pictures in {seconds:.0f} s of CPU time: {rate}.")


def _write_sheet(folder: Path, out: Path, most: int, tile: int = 160, columns: int = 10) -> None:
    files = of_folder(folder, most)
    if not files:
        raise _refused(f"{folder} has no {manifest.FILE} with pictures in it.")
    contact_sheet(files, tile=tile, columns=min(columns, len(files))).save(out, quality=85)
    console.print(f"{out}: {len(files)} pictures.")


def _refused(why: str) -> typer.Exit:
    console.print(why, style="red", markup=False, highlight=False)
    return typer.Exit(1)


if __name__ == "__main__":
    app()
