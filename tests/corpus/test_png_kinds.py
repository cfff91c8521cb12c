"""Small PNG files of every kind that PngSuite has, as Chromium shows them (`shown.json`, by `renew.py`)."""

import json

import numpy as np
import pytest

from errors import InvalidImage
from imaging import ImageFormat, Pixels
from tests.corpus.png_kinds import broken, sound
from tests.corpus.renew import SHOWN
from tests.corpus.verdicts import verdict_of_pixels
from tests.imaging.samples import opened

SOUND, BROKEN = dict(sound()), dict(broken())


@pytest.fixture(scope="module")
def shown() -> dict[str, str | None]:
    """Hexadecimal RGBA by name; None where the browser shows nothing."""
    found: dict[str, str | None] = json.loads(SHOWN.read_text())
    return found


def decoded(body: bytes) -> Pixels:
    return opened(body, ImageFormat.PNG).rgba


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_file_is_decoded_as_the_browser_shows_it(name: str, shown: dict[str, str | None]) -> None:
    ours, browsers = decoded(SOUND[name]), shown[name]
    assert browsers is not None
    right = np.frombuffer(bytes.fromhex(browsers), np.uint8).reshape(ours.shape)
    assert str(verdict_of_pixels(ours, right)) == "same"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused(name: str) -> None:
    with pytest.raises(InvalidImage):
        decoded(BROKEN[name])


def test_what_the_browser_does_not_show_is_broken(shown: dict[str, str | None]) -> None:
    assert {name for name, each in shown.items() if each is None} <= BROKEN.keys()
    assert shown.keys() == SOUND.keys() | BROKEN.keys()
