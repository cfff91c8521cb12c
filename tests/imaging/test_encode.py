from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imaging.encoding import encode
from imaging.formats import INPUTS, ImageFormat
from imaging.output import Channels, Output
from imaging.picture import Pixels
from imaging.probing import probe
from tests.imaging.samples import scene

PNG, WEBP = Output(ImageFormat.PNG), Output(ImageFormat.WEBP)
GREY = [Output(each, channels=Channels.ALPHA) for each in ImageFormat]
ON_WHITE = [Output(each, background=(255, 255, 255)) for each in ImageFormat]
OUTPUTS = [PNG, WEBP, *ON_WHITE, *GREY]


def pillow(body: bytes) -> Pixels:
    with Image.open(BytesIO(body)) as image:
        assert image.mode == "RGBA"
        return np.asarray(image, np.uint8)


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)


def sample(width: int, height: int, output: Output) -> Pixels:
    """A pattern with the channels that the output has."""
    pixels = scene(width, height, channels=4)
    if output.channels is Channels.ALPHA:
        return np.ascontiguousarray(pixels[..., 3])
    return pixels if output.is_transparent else np.ascontiguousarray(pixels[..., :3])


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3000), (3000, 1), (60, 40), (900, 700), (10_000, 60)])
@pytest.mark.parametrize("make", [noise, lambda width, height: scene(width, height, channels=4)])
def test_a_png_is_read_back_exactly_by_pillow_and_by_libpng(make: object, width: int, height: int) -> None:
    assert callable(make)
    rgba = make(width, height)
    body = encode(rgba, PNG)
    assert np.array_equal(pillow(body), rgba)
    assert np.array_equal(imagecodecs.png_decode(body), rgba)


def test_a_webp_keeps_alpha_exactly_and_colour_closely() -> None:
    rgba = scene(300, 200, channels=4)
    rgba[..., 3] |= 128
    back = pillow(encode(rgba.copy(), WEBP)).astype(int)
    assert np.array_equal(back[..., 3], rgba[..., 3])
    assert np.abs(back - rgba)[..., :3].mean() < 4


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_a_cut_out_carries_pixels_and_nothing_else(output: Output) -> None:
    body = encode(sample(300, 200, output), output)
    with Image.open(BytesIO(body)) as image:
        image.load()
        assert not image.getexif()
        assert not {"exif", "icc_profile", "xmp", "dpi"} & image.info.keys()


@pytest.mark.parametrize("output", [each for each in OUTPUTS if each.format in INPUTS], ids=str)
def test_our_own_files_pass_our_own_judgement(output: Output) -> None:
    info = probe(encode(sample(123, 45, output), output), output.format, 10_000)
    assert (info.width, info.height, info.orientation) == (123, 45, 1)


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_the_same_cut_out_gives_the_same_bytes(output: Output) -> None:
    """A re-delivery is the same file."""
    assert encode(sample(300, 200, output), output) == encode(sample(300, 200, output), output)


def test_a_png_is_hardly_larger_than_pillows() -> None:
    """At most a fifth more than Pillow's best filter and level, for a fraction of its time."""
    rgba = scene(900, 700, channels=4)
    rgba[..., :3] += np.random.default_rng(0).integers(0, 8, (700, 900, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(rgba).save(file, "PNG")
    assert len(encode(rgba, PNG)) < 1.2 * file.tell()


def test_a_picture_that_libwebp_refuses_at_full_quality_is_encoded_all_the_same() -> None:
    """16 megapixels of noise outgrow the first partition at quality 90."""
    rgba = np.tile(noise(1000, 1000), (4, 4, 1))
    with pytest.raises(imagecodecs.WebpError):
        imagecodecs.webp_encode(rgba, level=90, lossless=False, method=0)
    assert probe(encode(rgba, WEBP), ImageFormat.WEBP, 10_000).width == 4000


def test_jpeg_has_no_transparency() -> None:
    with pytest.raises(ValueError, match="JPEG"):
        encode(noise(4, 4), ON_WHITE[1])


@pytest.mark.parametrize("output", [each for each in OUTPUTS if not each.format.is_lossy], ids=str)
def test_a_png_without_transparency_is_read_back_exactly(output: Output) -> None:
    pixels = sample(123, 45, output)
    with Image.open(BytesIO(encode(pixels, output))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("output", [*ON_WHITE, *GREY], ids=str)
def test_colours_and_greys_are_kept_closely(output: Output) -> None:
    pixels = sample(123, 45, output)
    with Image.open(BytesIO(encode(pixels, output))) as image:
        back = np.asarray(image if pixels.ndim == 3 else image.convert("L"), int)
    assert np.abs(back - pixels).mean() < 4


def test_a_matte_as_webp_is_exact() -> None:
    alpha = noise(123, 45)[..., 0]
    with Image.open(BytesIO(encode(np.ascontiguousarray(alpha), GREY[2]))) as image:
        assert np.array_equal(np.asarray(image)[..., 0], alpha)


@pytest.mark.parametrize("format", [each for each in ImageFormat if each.is_lossy])
@pytest.mark.parametrize("channels", list(Channels))
def test_less_quality_makes_a_smaller_file(format: ImageFormat, channels: Channels) -> None:
    ground = (255, 255, 255) if channels is Channels.RGBA else None
    outputs = [Output(format, each, channels, ground) for each in (1, 50, 90, 100)]
    sizes = [len(encode(sample(300, 200, outputs[0]), each)) for each in outputs]
    assert sizes == sorted(set(sizes))


def test_a_quality_that_libwebp_refuses_gives_way_to_the_next_of_ours() -> None:
    rgba = np.tile(noise(1000, 1000), (4, 4, 1))
    assert encode(rgba.copy(), Output(ImageFormat.WEBP, quality=97)) == encode(rgba, WEBP)
