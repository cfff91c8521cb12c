"""CPU of reading a file's headers in the event loop, beside Pillow: `python -m benchmarks.headers`."""

import time
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from benchmarks.imaging import photograph
from imaging import ImageFormat, probe

_RUNS = 20
_ORIENTATION = 0x0112


def pillow(body: bytes, format: ImageFormat) -> None:
    """What `probe` tells, by Pillow."""
    with Image.open(BytesIO(body), formats=[format.name]) as image:
        _ = image.size, getattr(image, "n_frames", 1), image.getexif().get(_ORIENTATION)


def _ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Print the least of some runs for a picture of 3 megapixels."""
    for format in (ImageFormat.PNG, ImageFormat.WEBP):
        file = BytesIO()
        Image.fromarray(photograph(2000, 1500)).save(file, format.name)
        body = file.getvalue()
        ours, theirs = _ms(lambda: probe(body, format, 10_000)), _ms(lambda: pillow(body, format))  # noqa: B023
        print(f"{format.name} of {len(body) / 1e6:.1f} MB: ours {ours:.3f} ms, Pillow {theirs:.3f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
