"""The pictures that are bought."""

import secrets
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
    """The first picture as a file of this test alone: a comment makes it another purchase than everybody else's."""
    comment = secrets.token_bytes(16)
    path = tmp_path / "astronaut.jpg"
    path.write_bytes(picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + picture[2:])
    return path


def _jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
