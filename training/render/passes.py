"""What is rendered of a scene, and how: exposure, colour, the scene with its set, and alpha by itself."""

from dataclasses import dataclass
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from training.render import blender
from training.render.matte import Pixels
from training.render.shading import glow

TRIAL_SIDE = 48
LUMA = np.array([0.3, 0.59, 0.11])


@dataclass(frozen=True, slots=True)
class Quality:
    """How much work goes into a picture.

    Attributes:
        side: pixels.
        colour: samples per pixel, which are denoised.
        alpha: most samples per pixel of the alpha; only soft pixels get so many.
    """

    side: int = 512
    colour: int = 12
    alpha: int = 256
    threads: int = 1


def prepare(quality: Quality, *, refracts: bool) -> None:
    """Set up the renderer for a scene that has been built."""
    scene = blender.scene()
    scene.render.engine = "CYCLES"
    render, cycles, display = scene.render, scene.cycles, scene.view_settings
    render.resolution_x = render.resolution_y = quality.side
    render.resolution_percentage = 100
    render.threads_mode, render.threads = "FIXED", quality.threads
    render.use_persistent_data, render.dither_intensity = True, 0
    render.image_settings.file_format, render.image_settings.color_depth = "PNG", "8"
    render.image_settings.compression = 15
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", quality.colour, False
    cycles.max_bounces = cycles.transmission_bounces = 8 if refracts else 4
    cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transparent_max_bounces = 2, 3, 16
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.blur_glossy = 4, 1
    cycles.denoiser, cycles.denoising_input_passes = "OPENIMAGEDENOISE", "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = cycles.denoising_quality = "FAST"
    # The default, AgX, bends colours; a photograph's picture is nearer to plain sRGB.
    display.view_transform, display.look, display.exposure, display.gamma = "Standard", "None", 0, 1


def trial(folder: Path, brightness: float) -> Pixels:
    """Render the thing tiny and expose by it; returns its rough alpha [48,48]."""
    scene = blender.scene()
    render = scene.render
    side = render.resolution_x
    render.resolution_x = render.resolution_y = TRIAL_SIDE
    seen = colour(folder, denoise=False, through=False)
    render.resolution_x = render.resolution_y = side
    alpha = seen[..., 3]
    inside = alpha > (128 if (alpha > 128).sum() >= 20 else 25)
    if inside.sum() >= 5:
        light = seen[inside][:, :3] @ LUMA / 255
        shown = 0.6 * np.percentile(light, 50) + 0.4 * np.percentile(light, 92)
        # 2.2: values are gamma coded. 0.8: a dark thing stays darker than a bright one.
        scene.view_settings.exposure = 0.8 * float(np.clip(2.2 * log2(brightness / max(shown, 0.02)), -2.5, 3))
    return alpha


def colour(folder: Path, *, denoise: bool = True, through: bool) -> Pixels:
    """The thing in its light, straight RGBA [S,S,4]; `through`: what is seen through glass is nothing, too."""
    scene = blender.scene()
    scene.cycles.use_denoising = denoise
    scene.render.film_transparent = True
    scene.cycles.film_transparent_glass, scene.cycles.film_transparent_roughness = through, 0.3
    scene.render.image_settings.color_mode = "RGBA"
    return _rendered(folder / "colour.png")


def in_set(folder: Path, around: list[Any]) -> Pixels:
    """The thing in its set, RGB [S,S,3]. Glass bends what is behind it: colour and alpha do not compose to this."""
    scene = blender.scene()
    scene.cycles.use_denoising = True
    scene.render.film_transparent = False
    scene.render.image_settings.color_mode = "RGB"
    for part in around:
        part.visible_camera = True
    pixels = _rendered(folder / "set.png")
    for part in around:
        part.visible_camera = False
    return pixels


def alpha(folder: Path, samples: int, *, refracts: bool) -> Pixels:
    """The alpha [S,S] alone, with many samples. The scene is not to be used for anything else afterwards.

    What hides the background glows white in the dark: its colour is its alpha, and adaptive sampling, which looks at
    colour, spends its samples on soft pixels only. A thing with glass keeps its looks and takes fixed samples, half as
    many: what it mirrors is opaque, what it lets through is not, and which of the two a ray meets is drawn by chance.
    """
    scene = blender.scene()
    for part in scene.objects:
        if part.type == "LIGHT":
            part.hide_render = True
    scene.world, scene.view_settings.exposure, scene.cycles.seed = None, 0, 11
    cycles = scene.cycles
    cycles.samples = samples
    if refracts:
        cycles.samples = samples // 2
    else:
        cycles.max_bounces = 0
        for made in blender.data.materials:
            glow(made)
        cycles.use_adaptive_sampling, cycles.adaptive_min_samples, cycles.adaptive_threshold = True, 16, 0.01
    return colour(folder, denoise=False, through=refracts)[..., 3]


def _rendered(file: Path) -> Pixels:
    blender.write_picture(file)
    with Image.open(file) as picture:
        return np.asarray(picture)
