"""A data folder made by rule: discs on noise as photographs, discs of their own alpha, and backgrounds."""

import csv
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.matting.experiment import Experiment

SIDE = 64
NOTHING_STATED = "no LICENSE in repo"
TINY = Experiment.model_validate(
    {
        "name": "tiny",
        "why": "Learns discs in seconds.",
        "data": {"side": SIDE, "validation": 4},
        "network": {
            "start": False, "width": 0.25, "context_width": 16, "context_blocks": 1, "frozen_blocks": 0,
            "encoder_norm": True,
        },
        "optimiser": {"rate": 5e-3, "encoder_rate": 2e-3, "warm_up_steps": 2, "average": 0.8},
        "stages": [{"share": 1, "side": SIDE, "batch": 8}],
    }
)  # fmt: skip


def disc(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A bright disc on dark noise: BGR [64,96,3] and its hard mask [64,96]."""
    chance = np.random.default_rng(seed)
    picture = chance.integers(0, 90, (SIDE, 96, 3), dtype=np.uint8)
    mask = np.zeros((SIDE, 96), np.uint8)
    centre = (int(chance.integers(30, 66)), int(chance.integers(24, 40)))
    cv2.circle(mask, centre, int(chance.integers(12, 22)), 255, -1)
    colour = chance.integers(150, 256, 3, dtype=np.uint8)
    picture[mask > 0] = colour
    return picture, mask


def data_folder(folder: Path, photos: int = 24) -> Path:
    """A data folder in `folder`; half of the photographs are people, a quarter come without a stated licence."""
    rows = []
    for number in range(photos):
        picture, mask = disc(number)
        name = f"{'ccp' if number % 2 else 'ecssd'}_{number:04}"
        save(folder / "train_real" / f"{name}.jpg", picture)
        save(folder / "train_real" / f"{name}.png", mask)
        rows.append({
            "file": f"{name}.jpg", "alpha": f"{name}.png", "licence": NOTHING_STATED if number % 4 == 0 else "MIT",
            "annotation": "binary", "category": "people full-body" if number % 2 else "mixed", "split": "train",
        })  # fmt: skip
    manifest(folder / "train_real", rows)
    _cutouts(folder)
    save(folder / "backgrounds/kodak_000.jpg", disc(999)[0])
    manifest(folder / "backgrounds", [{"file": "kodak_000.jpg", "licence": "MIT", "split": "train"}])
    return folder


def _cutouts(folder: Path) -> None:
    rows = []
    for number in range(4):
        picture, mask = disc(100 + number)
        name = f"{number:05}_glassware.webp"
        save(folder / "rendered" / name, np.dstack((picture, mask // 2)))
        save(folder / "rendered_pairs" / f"{number:05}_glassware.jpg", picture)
        pair = f"rendered_pairs/{number:05}_glassware.jpg" if number == 0 else ""
        rows.append({"file": name, "family": "glassware", "pair": pair, "licence": "own work"})
    manifest(folder / "rendered", rows)


def manifest(folder: Path, rows: list[dict[str, str]]) -> None:
    """Write the manifest of a set."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def save(file: Path, pixels: NDArray[np.uint8], quality: int = 95) -> None:
    """Write a picture in the format of its name; WebP without loss."""
    file.parent.mkdir(parents=True, exist_ok=True)
    options = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, quality], ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101]}
    assert cv2.imwrite(str(file), pixels, options.get(file.suffix, []))
