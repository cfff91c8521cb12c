from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from sandbox.preview import preview


def test_only_the_subject_is_drawn(tmp_path: Path) -> None:
    pixels = np.zeros((96, 192, 4), np.uint8)
    pixels[:, :96] = (255, 0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "cutout.png")
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(preview(tmp_path / "cutout.png"))
    lines = capture.get().splitlines()
    assert len([line for line in lines if line.strip()]) == 12
    assert {len(line.rstrip()) for line in lines if line.strip()} <= {24, 25}  # the edge is resampled
