"""The pictures that are bought."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

SIZE = (400, 480)


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A photograph of a person, JPEG, 400 x 480."""
    return _jpeg(Image.fromarray(data.astronaut()).crop((0, 0, 400, 480)))


@pytest.fixture(scope="session")
def other_picture() -> bytes:
    """Another photograph, JPEG, 400 x 300."""
    return _jpeg(Image.fromarray(data.coffee()).resize((400, 300)))


@pytest.fixture
def photo(picture: bytes, tmp_path: Path) -> Path:
    """The first picture as a file."""
    path = tmp_path / "astronaut.jpg"
    path.write_bytes(picture)
    return path


def _jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
