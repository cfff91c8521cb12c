"""What Blender makes of it: the same pixels every time, and alpha that is exact."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from training.render import blender, manifest, passes
from training.render.batch import FOREGROUNDS, SCENES, Task, make
from training.render.building import build
from training.render.looks import Body, Look, glass
from training.render.matte import Pixels, coverage, fits
from training.render.passes import Quality
from training.render.picture import Picture, in_scene, render
from training.render.scene import Scene, compose
from training.render.scene_object import Mesh, SceneObject
from training.render.shapes import panel
from training.render.surroundings import Lamp, Sky, SkyKind
from training.render.view import View

ROOT = Path(__file__).parents[3]

SMALL = Quality(side=64, colour=4, alpha=64, threads=1)
TOO_THIN = 11
"""A rope whose first attempt covers 2 % of the frame."""
WHITE = Look(((0.8, 0.8, 0.8),))


def facing(thing: SceneObject, *, around: list[Mesh] | None = None) -> Scene:
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
    return passes.alpha(folder, samples, refracts=scene.thing.refracts)


def square(look: Look, size: float = 1.0) -> SceneObject:
    return SceneObject([panel(size, size, look)])


def test_a_product_is_the_same_in_its_scene_each_time_and_its_alpha_fits_it() -> None:
    first, again = in_scene(4, SMALL), in_scene(4, SMALL)
    assert first is not None
    assert again is not None
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one, other)
    scene, alpha = first
    assert (scene.shape, alpha.shape) == ((SMALL.side, SMALL.side, 3), (SMALL.side, SMALL.side))
    # The controller is blue on a brown table.
    blue = scene[..., 2].astype(int) - scene[..., 0]
    assert blue[alpha > 250].mean() > 50
    assert blue[alpha < 5].mean() < 20


def test_a_number_gives_the_same_pixels_whatever_came_before_and_however_many_threads_there_are() -> None:
    first = render(3, "wire", SMALL, pair=True)
    other = render(4, "vessel", SMALL, pair=False)
    again = render(3, "wire", replace(SMALL, threads=2), pair=True)
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
    alpha = alpha_of(facing(SceneObject([slanted])), tmp_path, samples=256)
    assert alpha.mean() / 255 == pytest.approx(0.25, abs=0.002)
    assert ((alpha > 20) & (alpha < 235)).sum() > 60


def test_hair_has_nearly_the_alpha_that_many_more_samples_find(tmp_path: Path) -> None:
    scene = compose(5000, "head")
    usual, many = (alpha_of(scene, tmp_path, samples).astype(float) / 255 for samples in (256, 2048))
    soft = (many > 0.02) & (many < 0.98)
    assert soft.sum() > 500
    assert np.sqrt(np.mean((usual - many)[soft] ** 2)) < 0.03


def test_a_black_thing_is_as_solid_as_a_white_one(tmp_path: Path) -> None:
    black, white = (alpha_of(facing(square(Look((tone,)))), tmp_path) for tone in ((0, 0, 0), (1, 1, 1)))
    assert (black == white).all()


def test_a_veil_has_its_opacity_for_alpha_without_noise(tmp_path: Path) -> None:
    veil = Look(((0.1, 0.2, 0.9),), body=Body.SHEER, opacity=0.4)
    inside = alpha_of(facing(square(veil)), tmp_path)[20:44, 20:44]
    assert abs(inside.mean() - 0.4 * 255) < 8  # seen from the side it is denser, and the frame's rim is
    assert np.abs(np.diff(inside.astype(int), axis=0)).max() <= 2


def test_two_veils_let_through_what_both_let_through(tmp_path: Path) -> None:
    veil = Look(((0.1, 0.2, 0.9),), body=Body.SHEER, opacity=0.5)
    both = SceneObject([panel(1, 1, veil), panel(1, 1, veil, at=(0, 0.001, 0))])
    assert abs(alpha_of(facing(both), tmp_path)[20:44, 20:44].mean() - 0.75 * 255) < 8


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


def test_a_picture_that_shows_next_to_nothing_is_made_anew(tmp_path: Path) -> None:
    blender.fresh()
    scene = compose(TOO_THIN, "rope")
    build(scene)
    passes.prepare(SMALL, refracts=False)
    assert not fits(coverage(passes.trial(tmp_path, scene.brightness)))
    made = render(TOO_THIN, "rope", SMALL, pair=False)
    assert made is not None
    assert fits(coverage(made.rgba[..., 3]))


def test_ctrl_c_ends_the_picture_under_way_and_the_next_call_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.render", "make", "--out", str(tmp_path), "--count", "3"]
    command += ["--families", "head", "--side", "96", "--alpha", "32"]
    stopped = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / FOREGROUNDS).glob("*.webp")):
        assert stopped.poll() is None
        sleep(0.05)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=120)
    assert (stopped.returncode, "the same call goes on" in said) == (130, True), said
    assert 1 <= len(manifest.read(tmp_path / FOREGROUNDS)) < 3
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    assert len(manifest.read(tmp_path / FOREGROUNDS)) == 3


def test_a_batch_from_blender_lies_on_disk(tmp_path: Path) -> None:
    tasks = [Task(0, "rope", pair=True), Task(1, "food", pair=False)]

    def one(task: Task) -> Picture | None:
        return render(task.number, task.family, SMALL, pair=task.pair)

    assert list(make(tasks, tmp_path, one)) == []
    assert (tmp_path / FOREGROUNDS / "00001_food.webp").is_file()
    assert (tmp_path / SCENES / "00000_rope.jpg").is_file()
