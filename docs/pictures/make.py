"""Make the README's picture: photographs before, and their cut-outs on a chequerboard after. `make picture`."""

import asyncio
from io import BytesIO
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from config.settings import RunnerSettings
from imaging.formats import ImageFormat
from imaging.picture import Pixels
from imaging.probe import probe
from models.manifest import ModelManifest
from pipeline import CutOut, Network
from runners.ort_backend import OrtBackend

TARGET = Path(__file__).with_name("before-after.jpg")
HEIGHT = 320
SQUARE = 16


async def _cut(photo: Image.Image, cut_out: CutOut) -> Image.Image:
    body = BytesIO()
    photo.save(body, "PNG")
    png = body.getvalue()
    return Image.open(BytesIO(await cut_out(png, probe(png, ImageFormat.PNG, 10_000), ImageFormat.PNG)))


def _on_chequers(cut: Image.Image) -> Image.Image:
    rows, columns = np.indices((cut.height, cut.width)) // SQUARE
    board = np.where((rows + columns) % 2, 255, 215).astype(np.uint8)
    ground = Image.fromarray(board).convert("RGBA")
    return Image.alpha_composite(ground, cut.convert("RGBA")).convert("RGB")


def _scaled(picture: Image.Image) -> Image.Image:
    return picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT), Image.Resampling.LANCZOS)


async def main() -> None:
    """Cut the samples out with the shipped model and lay before and after side by side."""
    manifest = ModelManifest.load(RunnerSettings().model)
    backend = OrtBackend(manifest, device="cpu", threads=1)

    async def infer(image: Pixels) -> Pixels:
        alpha: Pixels = backend.infer(image[None])[0]
        return alpha

    cut_out = CutOut({manifest.name: Network(infer, manifest.input.size)})
    strip = []
    for name in ("astronaut", "coffee"):
        photo = Image.fromarray(getattr(skimage.data, name)())
        strip += [_scaled(photo), _scaled(_on_chequers(await _cut(photo, cut_out)))]
    sheet = Image.new("RGB", (sum(each.width for each in strip), HEIGHT))
    left = 0
    for each in strip:
        sheet.paste(each, (left, 0))
        left += each.width
    sheet.save(TARGET, quality=88)


if __name__ == "__main__":
    asyncio.run(main())
