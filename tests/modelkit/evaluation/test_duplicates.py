from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from modelkit.evaluation.duplicates import find_duplicates, training_pictures
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.samples import find_samples
from tests.imaging.samples import scene
from tests.modelkit.evaluation.scenes import disc


def write(folder: Path, name: str, seed: int) -> Image.Image:
    """A picture like no other, and its alpha."""
    folder.mkdir(exist_ok=True)
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8))
    image = image.resize((96, 96), Image.Resampling.BICUBIC)
    image.save(folder / f"{name}.jpg", quality=95)
    Image.fromarray(disc(30)).save(folder / f"{name}.png")
    return image


def found(evaluation: Path, training: Path) -> list[tuple[str, str]]:
    samples, pictures = find_samples([evaluation]), training_pictures([training])
    seen: list[None] = []
    duplicates = find_duplicates(samples, pictures, on_picture=lambda: seen.append(None))
    assert len(seen) == len(samples) + len(pictures)
    return [(each.sample, each.training_file) for each in duplicates]


def test_a_picture_is_found_again_when_it_was_changed_a_little(tmp_path: Path) -> None:
    image = write(tmp_path / "eval", "a", seed=1)
    write(tmp_path / "eval", "b", seed=2)
    write(tmp_path / "train", "other", seed=3)
    image.resize((64, 80)).save(tmp_path / "train/small.webp", quality=60)
    ImageOps.mirror(image).save(tmp_path / "train/turned.jpg", quality=70)
    (tmp_path / "train/deep").mkdir()
    image.convert("RGBA").save(tmp_path / "train/deep/cut-out.png")
    assert sorted(found(tmp_path / "eval", tmp_path / "train")) == [
        ("a", "cut-out.png"),
        ("a", "small.webp"),
        ("a", "turned.jpg"),
    ]


def test_different_pictures_share_nothing(tmp_path: Path) -> None:
    """Not even where all have the same alpha, which lies beside them."""
    write(tmp_path / "eval", "a", seed=1)
    for seed in range(2, 12):
        write(tmp_path / "train", f"t{seed}", seed=seed)
    assert found(tmp_path / "eval", tmp_path / "train") == []


def test_the_nearest_come_first(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "eval").mkdir(exist_ok=True)
        Image.fromarray(scene(96, 96)).save(tmp_path / f"eval/{name}.jpg", quality=95)
        Image.fromarray(disc(30)).save(tmp_path / f"eval/{name}.png")
    assert found(tmp_path / "eval", tmp_path / "eval") == [
        ("a", "a.jpg"),
        ("a", "b.jpg"),
        ("b", "a.jpg"),
        ("b", "b.jpg"),
    ]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no picture"):
        training_pictures([tmp_path])


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    write(tmp_path / "eval", "a", seed=1)
    (tmp_path / "broken.webp").write_text("words")
    with pytest.raises(EvaluationError, match=r"broken\.webp cannot be read"):
        found(tmp_path / "eval", tmp_path)
