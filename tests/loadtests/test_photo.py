"""The picture that is sold in load tests."""

from io import BytesIO

from PIL import Image

from loadtests.photo import photo


def test_it_is_a_two_megapixel_jpeg_of_a_photographs_weight() -> None:
    body = photo()
    with Image.open(BytesIO(body)) as image:
        assert (image.format, image.size) == ("JPEG", (1600, 1250))
    assert 300_000 < len(body) < 1_200_000


def test_it_is_always_the_same_bytes() -> None:
    assert photo() == photo()
