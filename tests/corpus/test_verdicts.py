"""The verdicts of `make corpus`, and the whole of it where a browser is installed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imaging import ImageFormat
from tests.corpus.browser import find_browser
from tests.corpus.verdicts import verdict, verdict_of_pixels
from tests.imaging.samples import saved, scene

PNG = ImageFormat.PNG


def picture() -> np.ndarray:
    return np.dstack([scene(40, 30), np.full((30, 40), 255, np.uint8)])


@pytest.mark.parametrize(("off", "kind"), [(0, "same"), (4, "same"), (5, "differs"), (100, "differs")])
def test_colours_may_be_four_levels_off(off: int, kind: str) -> None:
    other = picture()
    other[..., 1] = np.where(other[..., 1] > 127, other[..., 1] - off, other[..., 1] + off)
    assert verdict_of_pixels(picture(), other).kind == kind


def test_colour_that_is_not_seen_does_not_count() -> None:
    one, other = picture(), picture()
    one[..., 3] = other[..., 3] = 0
    other[..., :3] = 0
    assert verdict_of_pixels(one, other).kind == "same"


def test_another_alpha_counts() -> None:
    other = picture()
    other[..., 3] = 200
    assert verdict_of_pixels(picture(), other).kind == "differs"


def test_another_size_counts() -> None:
    assert verdict_of_pixels(picture(), picture()[:, 1:]).detail == "40 x 30, 39 x 30"


@pytest.mark.parametrize(
    ("body", "is_shown", "kind"),
    [
        (saved(scene(), PNG), True, "same"),
        (saved(scene(), PNG), False, "browser refuses"),
        (saved(scene(), PNG)[:100], True, "we refuse"),
        (b"nothing of the kind", False, "both refuse"),
    ],
)
def test_a_refusal_has_its_side(tmp_path: Path, body: bytes, is_shown: bool, kind: str) -> None:
    file = tmp_path / "picture.png"
    file.write_bytes(body)
    assert verdict(file, np.dstack([scene(), np.full((40, 60), 255, np.uint8)]) if is_shown else None).kind == kind


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.corpus", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.skipif(find_browser() is None, reason="no Chromium is installed")
def test_a_folder_is_compared_with_the_browser_and_with_a_golden_list(tmp_path: Path) -> None:
    folder, golden = tmp_path / "pictures", tmp_path / "golden.json"
    (folder / "inner").mkdir(parents=True)
    (folder / "one.png").write_bytes(saved(scene(), PNG))
    (folder / "inner" / "two.jpg").write_bytes(saved(scene(), ImageFormat.JPEG))
    (folder / "three.webp").write_bytes(b"RIFF\0\0\0\0WEBP")
    assert run(folder, "--golden", golden).returncode == 0
    verdicts = json.loads(golden.read_text())
    assert verdicts["one.png"] == verdicts["inner/two.jpg"] == "same"
    assert verdicts["three.webp"].startswith("both refuse")
    assert run(folder, "--golden", golden).returncode == 0
    (folder / "three.webp").write_bytes(saved(scene(), ImageFormat.WEBP))
    changed = run(folder, "--golden", golden)
    assert changed.returncode == 1
    assert "three.webp: same (expected: both refuse" in changed.stdout


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    refused = run(tmp_path / "nowhere")
    assert refused.returncode == 1
    assert "is not a folder" in refused.stderr
