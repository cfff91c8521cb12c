"""What a picture will show follows from its number alone, and the camera shows it. Runs without Blender."""

import hashlib
from dataclasses import astuple

import numpy as np
import pytest

from training.render.looks import Look
from training.render.rng import Rng
from training.render.scene import Scene, compose
from training.render.scene_object import SceneObject
from training.render.shapes import panel
from training.render.view import SENSOR, aim


def digest(scene: Scene) -> str:
    """A scene without its set in one number."""
    text = repr((scene.sky, scene.brightness, None if scene.motion is None else scene.motion.tolist()))
    content = hashlib.sha256(text.encode())
    content.update(scene.thing.points().tobytes())
    for part in (astuple(scene.view), *map(astuple, scene.lamps)):
        content.update(repr([np.asarray(value).tolist() for value in part]).encode())
    return content.hexdigest()


@pytest.mark.parametrize("family", ["plant", "head", "glassware"])
def test_the_same_number_gives_the_same_scene(family: str) -> None:
    assert digest(compose(11, family)) == digest(compose(11, family))


def test_numbers_attempts_and_families_give_others() -> None:
    scenes = [compose(11, "wire"), compose(12, "wire"), compose(11, "wire", attempt=1), compose(11, "rope")]
    assert len({digest(scene) for scene in scenes}) == len(scenes)


def test_a_thing_says_what_it_is_exposed_to() -> None:
    bright = [compose(number, "one_tone") for number in range(6)]
    for scene in bright:
        assert scene.thing.brightness is not None
        assert scene.thing.brightness[0] <= scene.brightness <= scene.thing.brightness[1]


def test_a_pair_shows_the_same_thing_in_the_same_light() -> None:
    alone, in_set = compose(4, "vessel"), compose(4, "vessel", pair=True)
    assert digest(alone) == digest(in_set)
    assert not alone.around
    assert in_set.around


@pytest.mark.parametrize("number", range(12))
def test_the_camera_has_the_thing_in_its_frame(number: int) -> None:
    scene = compose(number, "gadget")
    view = scene.view
    seen = (scene.thing.points() - view.place) @ view.axes
    assert (seen[:, 2] < 0).all()  # all of it lies before the camera, which looks along -z
    at = seen[:, :2] / -seen[:, 2:] * view.lens / (SENSOR / 2)
    low, high = np.percentile(at, 0.2, 0), np.percentile(at, 99.8, 0)
    assert 0.6 < (high - low).max() / 2 < 1.25
    assert np.abs(low + high).max() / 2 < 0.6


def test_a_thing_that_runs_away_from_the_camera_is_fitted_too() -> None:
    look = Look(((0.5, 0.5, 0.5),))
    thing = SceneObject([panel(1, 1, look, at=(-1, -4, 0)), panel(1, 1, look, at=(1, 4, 0))], azimuth=(0, 0))
    reach = []
    for seed in range(40):
        view = aim(Rng(seed), thing)
        seen = (thing.points() - view.place) @ view.axes
        reach.append(np.abs(seen[:, :2] / -seen[:, 2:] * view.lens / (SENSOR / 2)).max())
    assert np.mean(np.array(reach) < 1.01) > 0.8  # one of eight is cut off on purpose
    assert max(reach) < 1.3


def test_the_set_stands_under_the_thing_and_turns_with_the_camera() -> None:
    scene = compose(5, "vessel", pair=True)
    floor = scene.around[0].vertices
    lowest = scene.thing.points()[:, 2].min()
    assert floor[:, 2].min() == pytest.approx(lowest, abs=0.01)
    assert np.ptp(floor[:, 0]) > 5
