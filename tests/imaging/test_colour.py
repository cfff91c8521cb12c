import numpy as np
import pytest
from PIL import Image, ImageCms

from imaging.formats import ImageFormat
from tests.imaging.icc import P3_TO_XYZ, SRGB_TO_XYZ, cmyk_profile, expected_srgb, grey_profile, rgb_profile
from tests.imaging.samples import opened, saved, scene

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
MUTED = (scene() // 4 + 96).astype(np.uint8)
"""Colours that lie in sRGB and in Display P3 alike, so that nothing is clipped."""


@pytest.mark.parametrize("format", [PNG, WEBP])
def test_display_p3_is_converted(format: ImageFormat) -> None:
    body = saved(MUTED, format, icc_profile=rgb_profile(P3_TO_XYZ, gamma=2.2))
    got = opened(body, format).rgba[..., :3].astype(int)
    assert np.abs(got - MUTED).max() > 10
    assert np.abs(got - expected_srgb(MUTED, P3_TO_XYZ, gamma=2.2)).max() <= 2


def test_alpha_is_left_as_it_is() -> None:
    image = scene(channels=4)
    picture = opened(saved(image, PNG, icc_profile=rgb_profile(P3_TO_XYZ, gamma=2.2)), PNG)
    assert np.array_equal(picture.rgba[..., 3], image[..., 3])


def test_another_gamma_is_converted_in_a_jpeg_too() -> None:
    flat = np.full((40, 60, 3), 100, np.uint8)
    body = saved(flat, JPEG, icc_profile=rgb_profile(SRGB_TO_XYZ, gamma=1.8))
    expected = expected_srgb(flat, SRGB_TO_XYZ, gamma=1.8)
    assert np.abs(opened(body, JPEG).rgba[..., :3].astype(int) - expected).max() <= 2


def test_a_profile_that_says_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = saved(scene(), PNG), saved(scene(), PNG, icc_profile=profile)
    assert np.array_equal(opened(plain, PNG).rgba, opened(tagged, PNG).rgba)


def test_a_grey_profile_bends_grey() -> None:
    grey = scene(channels=1)[..., 0]
    got = opened(saved(grey, PNG, icc_profile=grey_profile(gamma=1.0)), PNG).rgba[..., :3].astype(int)
    expected = expected_srgb(np.dstack([grey] * 3), SRGB_TO_XYZ, gamma=1.0)
    assert np.abs(got - expected).max() <= 2


@pytest.mark.parametrize(
    "profile",
    [b"no profile at all", rgb_profile(P3_TO_XYZ, 2.2)[:200], grey_profile(1.0), cmyk_profile()],
    ids=["garbage", "cut off", "of grey", "of CMYK"],
)
def test_a_profile_that_cannot_be_used_is_ignored(profile: bytes) -> None:
    """The pixels are sound, and so does every viewer."""
    assert np.array_equal(opened(saved(scene(), PNG, icc_profile=profile), PNG).rgba[..., :3], scene())


def _inks(black: int) -> Image.Image:
    return Image.merge("CMYK", [Image.new("L", (32, 32), level) for level in (0, 0, 0, black)])


def test_cmyk_without_a_profile_is_inverted() -> None:
    picture = opened(saved(_inks(128), JPEG), JPEG)
    assert not picture.has_alpha
    assert np.abs(picture.rgba[..., :3].astype(int) - 127).max() <= 2


def test_cmyk_with_a_profile_is_what_the_printer_prints() -> None:
    """The profile's half black is L* = 50, which is 119 in sRGB; plain inversion would say 127."""
    picture = opened(saved(_inks(128), JPEG, icc_profile=cmyk_profile()), JPEG)
    assert np.abs(picture.rgba[..., :3].astype(int) - 119).max() <= 3


def test_cmyk_with_a_profile_of_something_else_is_inverted() -> None:
    picture = opened(saved(_inks(128), JPEG, icc_profile=rgb_profile(P3_TO_XYZ, 2.2)), JPEG)
    assert np.abs(picture.rgba[..., :3].astype(int) - 127).max() <= 2
