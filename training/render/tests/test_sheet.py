"""Contact sheets show what is clear and what is not."""

from pathlib import Path

import numpy as np
from PIL import Image

from training.render import manifest
from training.render.manifest import Row
from training.render.sheet import CHEQUERS, MAGENTA, contact_sheet, of_folder


def half(file: Path, hidden: tuple[int, int, int] = (0, 255, 0)) -> Path:
    """A picture whose left half is solid blue and whose right half is clear, over a hidden colour."""
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., :3] = hidden
    pixels[:, :20] = (0, 0, 255, 255)
    Image.fromarray(pixels).save(file, lossless=True, exact=True)
    return file


def test_pictures_lie_on_magenta_and_on_chequers_by_turns(tmp_path: Path) -> None:
    file = half(tmp_path / "a.webp")
    sheet = np.asarray(contact_sheet([file, file], tile=40, columns=2, named=False))
    assert sheet.shape == (40, 80, 3)
    assert (sheet[:, 2:18] == (0, 0, 255)).all()
    assert (sheet[:, 22:40] == MAGENTA).all()
    assert set(np.unique(sheet[:, 62:80])) == set(CHEQUERS)


def test_hidden_colour_does_not_bleed_in_when_it_is_scaled(tmp_path: Path) -> None:
    file = half(tmp_path / "a.webp")
    sheet = np.asarray(contact_sheet([file], tile=11, columns=1, named=False))
    assert sheet[..., 1].max() <= 2  # neither blue nor magenta has green; what is hidden is all green


def test_rows_are_filled_one_after_the_other(tmp_path: Path) -> None:
    file = half(tmp_path / "a.webp")
    assert contact_sheet([file] * 7, tile=20, columns=3).size == (60, 60)


def test_a_large_folder_is_shown_in_parts_spread_over_it(tmp_path: Path) -> None:
    for number in range(10):
        manifest.add(tmp_path, Row(f"{number:05}_rope.webp", "rope", "8x8", "0.2", "0.1", ""))
    assert [file.name[:5] for file in of_folder(tmp_path, 4)] == ["00000", "00003", "00006", "00009"]
    assert len(of_folder(tmp_path, 100)) == 10
