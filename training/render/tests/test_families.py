"""Every kind of thing can be made, anew and the same, without Blender."""

import hashlib
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.render.batch import BatchError, plan
from training.render.families import FAMILIES, Kind, cycle, products, usual
from training.render.rng import Rng
from training.render.scene_object import Mesh, SceneObject

KINDS = {f"{name}-{kind.__name__}": kind for name, family in FAMILIES.items() for kind in family.kinds}


def flat(mesh: Mesh) -> NDArray[np.int64]:
    """The places of all corners of all faces, in a row."""
    return np.fromiter(chain.from_iterable(mesh.faces), np.int64)


def digest(thing: SceneObject) -> str:
    """All points, faces and looks of a thing in one number."""
    content = hashlib.sha256(repr((thing.elevation, thing.azimuth)).encode())
    for part in thing.parts:
        content.update((part.vertices if isinstance(part, Mesh) else part.points).tobytes())
        content.update((flat(part) if isinstance(part, Mesh) else part.radii).tobytes())
        content.update(repr(part.look).encode())
    return content.hexdigest()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_makes_a_sound_thing(kind: Kind) -> None:
    thing = kind(Rng(3))
    assert thing.parts
    for part in thing.parts:
        if isinstance(part, Mesh):
            assert np.isfinite(part.vertices).all()
            places = flat(part)
            assert places.min() >= 0
            assert places.max() < len(part.vertices)
            assert part.uv is None or part.uv.shape == (len(part.vertices), 2)
        else:
            assert np.isfinite(part.points).all()
            assert part.radii.shape == part.points.shape[:2]
            assert (part.radii >= 0).all()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_makes_the_same_of_the_same_seed_and_another_of_another(kind: Kind) -> None:
    first, again, other = (digest(kind(Rng(seed))) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_every_family_says_what_it_is_for() -> None:
    for family in FAMILIES.values():
        assert family.why
        assert family.kinds
        assert family.weight >= 0


def test_every_family_is_explained_in_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs/rendering.md").read_text()
    assert [name for name, family in FAMILIES.items() if f"| `{name}` | {family.why}" not in text] == []


def test_a_batch_of_all_leaves_out_what_is_newer_than_recorded_results() -> None:
    made = [task.family for task in plan(seed=0, count=200, families=[], pairs=0)]
    assert not {"jewellery", "product", "one_tone"} & set(made)
    named = [task.family for task in plan(seed=0, count=5, families=["jewellery", "wire"], pairs=0)]
    assert named == ["jewellery", "wire", "wire", "jewellery", "wire"]


def test_a_white_thing_is_exposed_as_white_and_a_black_one_as_black() -> None:
    made = [products.one_tone(Rng(seed)) for seed in range(20)]
    assert {thing.brightness for thing in made} == {products.BRIGHT, products.DIM}
    for thing in made:
        tones = np.concatenate([np.array(part.look.colours).mean(axis=1) for part in thing.parts])
        assert (np.median(tones) > 0.5) == (thing.brightness == products.BRIGHT)


def test_a_cycle_brings_each_family_as_often_as_its_weight_says() -> None:
    names = usual()
    turns = cycle(names)
    assert {name: turns.count(name) for name in names} == {name: FAMILIES[name].weight for name in names}
    assert turns[: len(names)] == names  # spread out: none comes twice before all came once


def test_a_family_that_is_not_there_is_named() -> None:
    with pytest.raises(BatchError, match=r"Unknown family unicorn\. Known: plant, "):
        plan(seed=0, count=1, families=["plant", "unicorn"], pairs=0)
