"""CPU milliseconds of every stage of a cut-out but the model: `python -m benchmarks.imaging`.

The picture is made in code: soft shapes under the grain of a sensor, which is what makes files large. A twentieth of
its pixels is half transparent. Medians of one thread; Pillow's default PNG encoder runs beside ours. Compose works in
place, so its figure holds one copy of the picture per run.
"""

import statistics
import time
from collections.abc import Callable
from io import BytesIO
from typing import TypeVar

import cv2
import numpy as np
import simplejpeg
from PIL import Image
from rich.console import Console
from rich.table import Table

from imaging.compose import compose
from imaging.decode import decode
from imaging.encode import encode
from imaging.fit import fit
from imaging.formats import ImageFormat
from imaging.picture import Picture, Pixels
from imaging.probe import probe

T = TypeVar("T")

SIZES = {"2 MP": (1600, 1250), "12 MP": (4000, 3000)}
MODEL_SIDE = 384
RUNS = 7


def photograph(width: int, height: int) -> Pixels:
    """uint8 [height,width,3]: shapes of 64 pixels, enlarged softly, under grain of 4 levels."""
    random = np.random.default_rng(0)
    shapes = random.integers(0, 256, (height // 64, width // 64, 3), dtype=np.uint8)
    soft = np.asarray(cv2.resize(shapes, (width, height), interpolation=cv2.INTER_CUBIC), np.int16)
    grain = np.tile(
        np.rint(random.normal(0, 4, (512, 512, 3))).astype(np.int16), (height // 512 + 1, width // 512 + 1, 1)
    )
    return np.asarray(np.clip(soft + grain[:height, :width], 0, 255), np.uint8)


def matte() -> Pixels:
    """uint8 alpha [384,384]: a disc with a soft edge."""
    y, x = np.mgrid[:MODEL_SIDE, :MODEL_SIDE] / MODEL_SIDE - 0.5
    return np.asarray(np.clip((0.4 - np.hypot(x, y)) / 0.02 + 0.5, 0, 1) * 255, np.uint8)


def measure(work: Callable[[], T]) -> tuple[float, T]:
    """Median CPU milliseconds of this process, and what the work made."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        made = work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times), made


def stages(width: int, height: int) -> dict[str, str]:
    """Stage → what it took, in the order of a request."""
    body = simplejpeg.encode_jpeg(photograph(width, height), quality=92)
    took = {}
    took["probe"], info = measure(lambda: probe(body, ImageFormat.JPEG, 10_000))
    took["decode JPEG"], picture = measure(lambda: decode(body, info))
    took["fit"], _ = measure(lambda: fit(picture, MODEL_SIDE))
    took["compose"], rgba = measure(lambda: compose(Picture(picture.rgba.copy(), has_alpha=False), matte()))
    took["encode PNG"], png = measure(lambda: encode(rgba, ImageFormat.PNG))
    took["sum, JPEG to PNG"] = sum(took.values())
    took["encode WebP"], webp = measure(lambda: encode(rgba, ImageFormat.WEBP))
    took["(Pillow's PNG)"], theirs = measure(lambda: _pillow_png(rgba))
    sizes = {"encode PNG": png, "encode WebP": webp, "(Pillow's PNG)": theirs}
    return {
        stage: f"{ms:.1f} ms" + (f", {len(sizes[stage]) / 1e6:.2f} MB" if stage in sizes else "")
        for stage, ms in took.items()
    }


def _pillow_png(rgba: Pixels) -> bytes:
    file = BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    return file.getvalue()


def main() -> None:
    """Measure and print."""
    columns = {name: stages(*size) for name, size in SIZES.items()}
    table = Table("CPU, median of " + str(RUNS), *columns)
    for stage in next(iter(columns.values())):
        table.add_row(stage, *(column[stage] for column in columns.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
