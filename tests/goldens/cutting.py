"""The whole pipeline with the real model, for the golden pictures."""

import asyncio
import tomllib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it carries no type information
import skimage.data
from PIL import Image

from cut_out import CutOut
from imaging import ImageFormat, Output, Pixels, probe
from models.manifest import ModelManifest
from pipeline import MattingModel

FOLDER = Path(__file__).parent
MANIFEST = tomllib.loads((FOLDER / "manifest.toml").read_text())
NAMES = [picture["name"] for picture in MANIFEST["picture"]]


def photograph(name: str) -> Pixels:
    """uint8 [H,W,3], out of scikit-image's own package."""
    return np.asarray(getattr(skimage.data, name)(), np.uint8)


def golden(name: str) -> Pixels:
    """uint8 alpha [H,W] that was looked at and found good."""
    with Image.open(FOLDER / f"{name}.png") as image:
        return np.asarray(image, np.uint8)


async def cut_out(name: str) -> Pixels:
    """uint8 [H,W,4], as a buyer who sends the photograph as PNG gets it."""
    upload = BytesIO()
    Image.fromarray(photograph(name)).save(upload, "PNG")
    info = probe(upload.getvalue(), ImageFormat.PNG, max_side=10_000)
    manifest = ModelManifest.load(MANIFEST["model"])
    model = MattingModel(_infer, manifest.input.size, darken_light=manifest.darken_light, close_ups=manifest.close_ups)
    pipeline = CutOut({manifest.name: model}, max_megapixels=100, max_wait_s=10)
    with Image.open(BytesIO((await pipeline(upload.getvalue(), info, Output())).body)) as image:
        return np.asarray(image, np.uint8)


async def _infer(image: Pixels) -> Pixels:
    manifest = ModelManifest.load(MANIFEST["model"])
    feed = {manifest.input.name: image[None]}
    (alpha,) = await asyncio.to_thread(_session().run, [manifest.output.name], feed)
    return np.asarray(alpha[0], np.uint8)


@cache
def _session() -> onnxruntime.InferenceSession:
    weights = ModelManifest.load(MANIFEST["model"]).weights()
    return onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
