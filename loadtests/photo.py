"""The picture that the load tests sell: two megapixels, with the grain of a camera, made and not found."""

from io import BytesIO

import numpy as np
from PIL import Image
from skimage import data

WIDTH, HEIGHT = 1600, 1250
GRAIN = 4.0  # standard deviation in steps of 8 bits, about that of a phone's camera by day


def photo() -> bytes:
    """The astronaut of scikit-image as a JPEG of 1600 x 1250 pixels, always the same bytes."""
    astronaut = (
        Image.fromarray(data.astronaut()).crop((0, 0, 512, 400)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    )
    grain = np.random.default_rng(2).normal(0, GRAIN, (HEIGHT, WIDTH, 1))
    pixels = np.clip(np.asarray(astronaut) + grain, 0, 255).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=88)
    return file.getvalue()
