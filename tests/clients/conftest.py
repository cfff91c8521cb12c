"""The pictures that are bought."""

from pathlib import Path

import pytest
from PIL import Image
from skimage import data

SIZE = (400, 480)


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of a person, 400 x 480 JPEG."""
    path = tmp_path_factory.mktemp("photos") / "astronaut.jpg"
    Image.fromarray(data.astronaut()).crop((0, 0, 400, 480)).save(path, quality=90)
    return path


@pytest.fixture(scope="session")
def other_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another photograph, 400 x 300 JPEG."""
    path = tmp_path_factory.mktemp("photos") / "coffee.jpg"
    Image.fromarray(data.coffee()).resize((400, 300)).save(path, quality=90)
    return path
