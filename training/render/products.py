"""The group of products on disk: X.jpg, its alpha X.png and a manifest, as `python -m modelkit evaluate` reads them."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from training.render import studio
from training.render.held_out import KINDS
from training.render.manifest import LICENCE
from training.render.matte import Pixels

FOLDER = "eval_products"
"""Training refuses pictures of folders that are named for evaluation."""

GROUP = "products"
COUNT = 3 * len(KINDS)
COLUMNS = ("file", "category", "kind", "thing", "licence")

Render = Callable[[int], tuple[Pixels, Pixels] | None]


def make(out: Path, render: Render, count: int = COUNT) -> Iterator[str]:
    """Make what is missing of the group in `out`, a data folder; yields each name that is done.

    A number of which five attempts gave no usable picture is left out.
    """
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        stem = name(number)
        if not _is_there(folder, stem) and not _keep(folder, number, render(number)):
            continue
        yield stem
    _describe(folder, count)


def missing(out: Path, count: int = COUNT) -> int:
    """How many of the group are not in `out` yet."""
    return sum(not _is_there(out / FOLDER, name(number)) for number in range(count))


def name(number: int) -> str:
    """What the files of a picture are called."""
    return f"{GROUP}_{number:02}-{KINDS[number % len(KINDS)].__name__.replace('_', '-')}"


def _is_there(folder: Path, stem: str) -> bool:
    return (folder / f"{stem}.jpg").is_file()


def _keep(folder: Path, number: int, made: tuple[Pixels, Pixels] | None) -> bool:
    if made is None:
        return False
    scene, alpha = made
    Image.fromarray(alpha).save(folder / f"{name(number)}.png")
    # The picture is written last and takes its name when it is whole: a picture that is there has its alpha.
    beside = folder / f".{name(number)}.new"
    beside.write_bytes(studio.photographed(number, scene))
    beside.replace(folder / f"{name(number)}.jpg")
    return True


def _describe(folder: Path, count: int) -> None:
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for number in range(count):
            if _is_there(folder, name(number)):
                thing = KINDS[number % len(KINDS)].__name__.replace("_", " ")
                writer.writerow((f"{name(number)}.jpg", GROUP, studio.setting(number).kind, thing, LICENCE))
