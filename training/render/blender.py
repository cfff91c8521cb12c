"""The border to Blender: the only module that imports it. What crosses it has no types, so all of it is Any."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from training.render.rng import Floats

VERSION: str = bpy.app.version_string
data: Any = bpy.data
"""Everything in the file that Blender has open."""


def fresh() -> None:
    """Empty the file. What is not emptied between two pictures makes the second depend on the first."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def scene() -> Any:
    """The scene that is rendered."""
    return bpy.context.scene


def put(made_of: Any, name: str = "part") -> Any:
    """Put a mesh, curves, a lamp or a camera into the scene as an object; None makes an empty one."""
    made = data.objects.new(name, made_of)
    scene().collection.objects.link(made)
    return made


def place(made: Any, at: Floats, axes: Floats) -> None:
    """Stand an object at `at` [3] with its x, y and z axes as columns [3,3]."""
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = axes, at
    made.matrix_world = Matrix(whole.tolist())


def write_picture(file: Path) -> None:
    """Render the scene into a file, in the format that is set."""
    scene().render.filepath = str(file.absolute())
    with _quiet():
        bpy.ops.render.render(write_still=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Blender writes a line per render to file descriptor 1, past Python's own streams."""
    sys.stdout.flush()
    before, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(nowhere)
