"""A batch: which pictures to make, and the finished ones on disk. It goes on where an earlier call stopped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.render import manifest
from training.render.families import FAMILIES, cycle, usual
from training.render.manifest import Row
from training.render.matte import coverage, soft
from training.render.rng import Rng

FOREGROUNDS = "rendered"
SCENES = "rendered_pairs"
_PAIRS = 77
"""Seed of the draw that decides on pairs, apart from all that decides on the picture."""


class BatchError(Exception):
    """A batch cannot be made as asked; the text says why."""


class Made(Protocol):
    """A finished picture: straight RGBA [S,S,4], and RGB [S,S,3] of the same thing in its set or None."""

    @property
    def rgba(self) -> NDArray[np.uint8]: ...
    @property
    def in_set(self) -> NDArray[np.uint8] | None: ...


@dataclass(frozen=True, slots=True)
class Task:
    """One picture to make. `pair`: also in its set."""

    number: int
    family: str
    pair: bool

    @property
    def stem(self) -> str:
        """What its files are called."""
        return f"{self.number:05}_{self.family}"


Render = Callable[[Task], Made | None]
Report = Callable[[int, int, str], None]


def _to_nobody(_done: int, _of: int, _name: str) -> None:
    pass


def _never() -> bool:
    return False


def plan(*, seed: int, count: int, families: list[str], pairs: float) -> list[Task]:
    """Pictures `seed` to `seed + count - 1`, families in turn, a share of `pairs` of them in pairs.

    What a number stands for depends on the families chosen and on nothing else. Raises BatchError.
    """
    names = families or usual()
    if unknown := sorted(set(names) - FAMILIES.keys()):
        raise BatchError(f"Unknown family {', '.join(unknown)}. Known: {', '.join(FAMILIES)}.")
    turns = cycle(names)
    return [
        Task(number, turns[number % len(turns)], Rng(number, _PAIRS).happens(pairs))
        for number in range(seed, seed + count)
    ]


def missing(tasks: list[Task], out: Path) -> list[Task]:
    """The tasks whose picture, and set where one is asked for, is not in `out` yet."""
    there = {row.file: row for row in manifest.read(out / FOREGROUNDS)}
    return [task for task in tasks if not _is_there(task, there.get(f"{task.stem}.webp"), out)]


def _is_there(task: Task, row: Row | None, out: Path) -> bool:
    if row is None or not (out / FOREGROUNDS / row.file).is_file():
        return False
    return not task.pair or (bool(row.pair) and (out / SCENES / row.pair).is_file())


def make(
    tasks: list[Task], out: Path, render: Render, *, report: Report = _to_nobody, stop: Callable[[], bool] = _never
) -> Iterator[Task]:
    """Make what is missing, until `stop` says so; yields the tasks of which five attempts gave no usable picture.

    A picture counts once it is in the manifest, and gets there last: a call that dies leaves nothing half done that
    the next one believes.
    """
    to_do = missing(tasks, out)
    for folder in (FOREGROUNDS, SCENES):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for place, task in enumerate(to_do):
        if stop():
            return
        report(len(tasks) - len(to_do) + place, len(tasks), task.stem)
        made = render(task)
        if made is None:
            yield task
        else:
            _keep(task, made, out)
    report(len(tasks), len(tasks), "done")


def _keep(task: Task, made: Made, out: Path) -> None:
    alpha = made.rgba[..., 3]
    scene = f"{task.stem}.jpg" if made.in_set is not None else ""
    if made.in_set is not None:
        # With its alpha beside it the folder of scenes is one that `python -m modelkit evaluate` takes.
        _write(out / SCENES / f"{task.stem}.png", Image.fromarray(alpha), "PNG")
        _write(out / SCENES / scene, Image.fromarray(made.in_set), "JPEG", quality=95)
    name = f"{task.stem}.webp"
    # Alpha is kept to the bit, and `exact` keeps the colour under alpha 0, which a blurred edge needs.
    _write(out / FOREGROUNDS / name, Image.fromarray(made.rgba), "WEBP", quality=92, alpha_quality=100, exact=True)
    height, width = alpha.shape
    figures = (f"{coverage(alpha):.3f}", f"{soft(alpha):.3f}")
    manifest.add(out / FOREGROUNDS, Row(name, task.family, f"{width}x{height}", *figures, scene))


def _write(file: Path, picture: Image.Image, form: str, **options: int) -> None:
    content = BytesIO()
    picture.save(content, form, **options)
    beside = file.with_name(f".{file.name}.new")
    beside.write_bytes(content.getvalue())
    beside.replace(file)
