"""Make the golden alphas again, and pictures to look at first: `python -m tests.goldens.renew`.

`results/goldens/<name>.png` shows the photograph beside its cut-out on magenta, where every halo and hole is plain.
"""

import asyncio
from pathlib import Path

import numpy as np
from PIL import Image

from imaging import Pixels
from tests.goldens.cutting import FOLDER, NAMES, cut_out, photograph

LOOK_AT = Path("results/goldens")
MAGENTA = (255, 0, 255)


def on_magenta(rgba: Pixels) -> Pixels:
    """uint8 [H,W,3]: the cut-out on a background that no subject has."""
    alpha = rgba[..., 3:] / 255
    return np.asarray(np.rint(rgba[..., :3] * alpha + np.array(MAGENTA) * (1 - alpha)), np.uint8)


def main() -> None:
    """Write both kinds of picture for every photograph of the manifest."""
    LOOK_AT.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        rgba = asyncio.run(cut_out(name))
        Image.fromarray(rgba[..., 3]).save(FOLDER / f"{name}.png", optimize=True)
        Image.fromarray(np.hstack([photograph(name), on_magenta(rgba)])).save(LOOK_AT / f"{name}.png")


if __name__ == "__main__":
    main()
