"""Make the pictures of README and model card with the shipped model, cut-outs on a chequerboard. `make pictures`."""

import asyncio
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from cut_out import CutOut
from imaging import ImageFormat, Output, Pixels, probe
from models import ModelManifest
from pipeline import MattingModel
from runners import RunnerConfig
from runners.inference import OrtBackend

FOLDER = Path(__file__).parent
README, CARD = FOLDER / "before-after.jpg", FOLDER / "model-card.jpg"
RENDERS = FOLDER / "renders"
"""Scenes of our own: `python -m training.render make`, see the manifest for their numbers."""
SQUARE = 16


def sample(name: str) -> Image.Image:
    """A photograph out of scikit-image's own package."""
    return Image.fromarray(getattr(skimage.data, name)())


def network() -> CutOut:
    """The pipeline with the model that a clone serves."""
    manifest = ModelManifest.load(RunnerConfig().model)
    backend = OrtBackend(manifest, device="cpu", threads=1)

    async def infer(image: Pixels) -> Pixels:
        alpha: Pixels = backend.infer(image[None])[0]
        return alpha

    model = MattingModel(infer, manifest.input.size, darken_light=manifest.darken_light, close_ups=manifest.close_ups)
    return CutOut({manifest.name: model}, max_megapixels=100, max_wait_s=10)


async def cut(photo: Image.Image, cut_out: CutOut) -> Image.Image:
    """As a buyer gets it."""
    body = BytesIO()
    photo.save(body, "PNG")
    png = body.getvalue()
    result = await cut_out(png, probe(png, ImageFormat.PNG, 10_000), Output())
    return Image.open(BytesIO(result.body))


def on_chequers(cut: Image.Image) -> Image.Image:
    """Transparency as image editors show it."""
    rows, columns = np.indices((cut.height, cut.width)) // SQUARE
    board = np.where((rows + columns) % 2, 255, 215).astype(np.uint8)
    ground = Image.fromarray(board).convert("RGBA")
    return Image.alpha_composite(ground, cut.convert("RGBA")).convert("RGB")


def scaled(picture: Image.Image, height: int) -> Image.Image:
    """To a height, its shape kept."""
    return picture.resize((round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS)


def beside(pictures: Sequence[Image.Image]) -> Image.Image:
    """A strip of pictures of one height."""
    strip = Image.new("RGB", (sum(each.width for each in pictures), pictures[0].height))
    left = 0
    for each in pictures:
        strip.paste(each, (left, 0))
        left += each.width
    return strip


def below(strips: Sequence[Image.Image]) -> Image.Image:
    """Strips of one width, one below the other."""
    turned = [strip.transpose(Image.Transpose.TRANSPOSE) for strip in strips]
    return beside(turned).transpose(Image.Transpose.TRANSPOSE)


async def main() -> None:
    """Cut everything out and write both pictures."""
    cut_out = network()
    strip = []
    for name in ("astronaut", "coffee"):
        photo = sample(name)
        strip += [scaled(each, 320) for each in (photo, on_chequers(await cut(photo, cut_out)))]
    beside(strip).save(README, quality=88)
    photos = [sample(name) for name in ("astronaut", "chelsea", "coffee")]
    scenes = [Image.open(file).convert("RGB") for file in sorted(RENDERS.glob("*.jpg"))]
    rows = []
    for group in (photos, scenes):
        cuts = [on_chequers(await cut(each, cut_out)) for each in group]
        rows += [beside([scaled(each, 240) for each in side]) for side in (group, cuts)]
    width = max(row.width for row in rows)
    below([_widened(row, width) for row in rows]).save(CARD, quality=85)


def _widened(strip: Image.Image, width: int) -> Image.Image:
    wide = Image.new("RGB", (width, strip.height), "white")
    wide.paste(strip, (0, 0))
    return wide


if __name__ == "__main__":
    asyncio.run(main())
