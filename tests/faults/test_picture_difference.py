"""The description of a wrong picture."""

from io import BytesIO

import pytest
from PIL import Image

from tests.faults.picture_difference import difference


def _file(size: tuple[int, int] = (4, 3), alpha: int = 200, level: int = 1) -> bytes:
    image = Image.new("RGBA", size, (10, 20, 30, 200))
    image.putpixel((1, 2), (10, 20, 37, alpha))
    file = BytesIO()
    image.save(file, "PNG", compress_level=level)
    return file.getvalue()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (_file(alpha=190), "1 pixels differ, in rows 2 to 2, by up to 0, 0, 0, 10 of 255"),
        (_file(level=0), "the same pixels in other bytes"),
        (_file(size=(3, 4)), "3 x 4 pixels and not 4 x 3"),
        (_file()[:60], "60 bytes that are not a whole picture"),
    ],
)
def test_it_says_how_two_pictures_differ(answer: bytes, says: str) -> None:
    assert says in difference(answer, _file())
