"""What Blender makes of it: the same pixels every time, and alpha that is exact."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy", reason="rendering needs the dependency group `render`, in an environment of its own")

from models.training.render import blender, passes
from models.training.render.batch import FOREGROUNDS, SCENES, Task, make
from models.training.render.building import build
from models.training.render.looks import Look, glass
from models.training.render.matte import Pixels
from models.training.render.passes import Quality
from models.training.render.picture import Picture, render
from models.training.render.scene import Scene
from models.training.render.shapes import panel
from models.training.render.surroundings import Lamp, Sky, SkyKind
from models.training.render.thing import Mesh, Thing
from models.training.render.view import View

SMALL = Quality(side=64, colour=4, alpha=64, threads=1)
WHITE = Look(((0.8, 0.8, 0.8),))


def facing(thing: Thing, *, around: list[Mesh] | None = None) -> Scene:
    """A scene that looks along +y at what stands about the origin; a square of a metre is half the frame wide."""
    towards = np.column_stack(([1.0, 0, 0], [0.0, 0, 1], [0.0, -1, 0]))
    return Scene(
        thing=thing,
        around=around or [],
        view=View(np.array([0, -2.0, 0]), towards, 36.0, 2.0, 2.0, 0.0, 0, 0.0),
        sky=Sky(SkyKind.FLAT, 1.0, (0, 0, 0), (1, 1, 1), 1, 0.2, 0.8),
        lamps=[Lamp(np.array([0, -3.0, 3]), np.array([0, 0.7, -0.7]), 200.0, (1, 1, 1), 1.0)],
        brightness=0.5,
        motion=None,
    )


def alpha_of(scene: Scene, folder: Path, samples: int = 64) -> Pixels:
    blender.fresh()
    build(scene)
    passes.prepare(SMALL, refracts=scene.thing.refracts)
    return passes.alpha(folder, samples, see_through=scene.thing.see_through)


def square(look: Look, size: float = 1.0) -> Thing:
    return Thing([panel(size, size, look)])


def test_the_same_number_gives_the_same_pixels_whatever_was_rendered_before() -> None:
    first = render(3, "wire", SMALL, pair=True)
    other = render(4, "vessel", SMALL, pair=False)
    again = render(3, "wire", SMALL, pair=True)
    assert first is not None
    assert other is not None
    assert again is not None
    assert (first.rgba == again.rgba).all()
    assert first.in_set is not None
    assert again.in_set is not None
    assert (first.in_set == again.in_set).all()
    assert (first.rgba != other.rgba).any()


def test_a_square_has_the_alpha_that_geometry_gives_it(tmp_path: Path) -> None:
    alpha = alpha_of(facing(square(WHITE)), tmp_path)
    assert (alpha[18:46, 18:46] == 255).all()
    assert (alpha[:14] == 0).all()
    assert (alpha[:, 50:] == 0).all()
    assert alpha.mean() / 255 == pytest.approx(0.25, abs=0.002)  # a quarter of the frame


def test_a_slanted_edge_is_soft_by_as_much_as_it_covers(tmp_path: Path) -> None:
    slanted = panel(1.0, 1.0, WHITE, turn=(0, 0.3, 0))
    alpha = alpha_of(facing(Thing([slanted])), tmp_path, samples=256)
    assert alpha.mean() / 255 == pytest.approx(0.25, abs=0.002)
    assert ((alpha > 20) & (alpha < 235)).sum() > 60


def test_a_black_thing_is_as_solid_as_a_white_one(tmp_path: Path) -> None:
    black, white = (alpha_of(facing(square(Look((tone,)))), tmp_path) for tone in ((0, 0, 0), (1, 1, 1)))
    assert (black == white).all()


def test_glass_lets_what_is_behind_through(tmp_path: Path) -> None:
    alpha = alpha_of(facing(square(glass())), tmp_path)
    assert 0 <= alpha[20:44, 20:44].mean() < 60


def test_the_set_lights_the_thing_but_stands_in_no_foreground(tmp_path: Path) -> None:
    wall = [panel(20, 20, Look(((0.8, 0.05, 0.05),)), at=(0, 3, 0))]
    blender.fresh()
    around = build(facing(square(WHITE), around=wall))
    passes.prepare(SMALL, refracts=False)
    alone = passes.colour(tmp_path, through=False)
    in_set = passes.in_set(tmp_path, around)
    assert (alone[:10, :, 3] == 0).all()
    red, green, _ = in_set[:10].reshape(-1, 3).mean(0)
    assert red > 2 * green
    inside = (slice(20, 44), slice(20, 44))
    assert np.abs(in_set[inside].astype(int) - alone[inside][..., :3]).mean() < 6


def test_a_thing_that_covers_nearly_nothing_is_made_anew_or_given_up() -> None:
    made = [render(number, "wire", SMALL, pair=False) for number in range(3)]
    for picture in made:
        assert picture is None or 0.03 <= picture.rgba[..., 3].mean() / 255 <= 0.85


def test_a_batch_from_blender_lies_on_disk(tmp_path: Path) -> None:
    tasks = [Task(0, "rope", pair=True), Task(1, "food", pair=False)]

    def one(task: Task) -> Picture | None:
        return render(task.number, task.family, SMALL, pair=task.pair)

    assert list(make(tasks, tmp_path, one, lambda *_: None)) == []
    assert (tmp_path / FOREGROUNDS / "00001_food.webp").is_file()
    assert (tmp_path / SCENES / "00000_rope.jpg").is_file()
