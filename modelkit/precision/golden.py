"""Makes the golden pictures and their alphas: `python -m modelkit golden`."""

from pathlib import Path

import numpy as np
from PIL import Image

from models import MODELS, ModelManifest
from runners.inference import GOLDEN_FOLDER, OrtBackend, Pixels, golden_pictures, scaled, store_golden

RENDERS = MODELS.parent / "docs/pictures/renders"
"""Scenes of our own, 384 px; docs/pictures/manifest.toml has their origin."""


def write_golden(folder: Path = GOLDEN_FOLDER) -> list[Path]:
    """Write the pictures, and the alphas of each shipped model; the files that were written."""
    pictures = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in sorted(RENDERS.glob("*.jpg"))])
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "pictures.npz"]
    np.savez_compressed(files[0], pictures=pictures)
    golden_pictures.cache_clear()
    for name in sorted(path.stem for path in MODELS.glob("*.toml")):
        manifest = ModelManifest.load(name)
        shown = scaled(pictures, manifest.input.size)
        files.append(folder / f"{name}.npz")
        store_golden(files[-1], manifest, shown, _alphas(manifest, shown))
    return files


def _alphas(manifest: ModelManifest, pictures: Pixels) -> Pixels:
    backend = OrtBackend(manifest, device="cpu", threads=1)
    try:
        return np.concatenate([backend.infer(each[None]) for each in pictures])
    finally:
        backend.close()
