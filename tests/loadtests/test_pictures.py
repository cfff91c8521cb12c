"""The pictures that are sold in load tests."""

import random
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imaging import close_ups, to_model_input
from loadtests.pictures import Pictures, photo
from modelkit.evaluation.networks import open_network
from tests.imaging.samples import opaque
from tests.shipped import NAME


def test_two_megapixels_are_a_jpeg_of_a_photographs_weight() -> None:
    body = photo(2.0)
    with Image.open(BytesIO(body)) as image:
        assert (image.format, image.size) == ("JPEG", (1600, 1250))
    assert 300_000 < len(body) < 1_200_000


@pytest.mark.parametrize("megapixels", [0.5, 24.0])
def test_other_sizes_have_their_megapixels_and_may_be_sent(megapixels: float) -> None:
    body = photo(megapixels)
    with Image.open(BytesIO(body)) as image:
        assert image.width * image.height == pytest.approx(megapixels * 1e6, rel=0.01)
    assert len(body) < 25_000_000


@pytest.mark.parametrize("megapixels", [0.5, 2.0])
def test_each_costs_a_close_up(megapixels: float) -> None:
    """By the model that ships: what a load test measures is not less than what buyers' pictures cost."""
    with Image.open(BytesIO(photo(megapixels))) as image:
        picture = opaque(np.asarray(image))
    network = open_network(NAME, threads=1)
    (alpha,) = network.backend.infer(to_model_input(picture, network.size)[None])
    network.backend.close()
    assert len(close_ups(picture, np.asarray(alpha, np.uint8))) == 1


def test_it_is_always_the_same_bytes() -> None:
    first = photo(0.5)
    photo.cache_clear()
    assert photo(0.5) == first


def test_a_mix_is_drawn_by_its_shares_and_each_file_is_new() -> None:
    pictures = Pictures({0.1: 0.75, 0.2: 0.25}, random.Random(1))
    drawn = [pictures.next() for _ in range(400)]
    assert 250 < sum(size == 0.1 for size, _ in drawn) < 350
    assert len({body for _, body in drawn}) == 400
    for _, body in drawn[:4]:
        Image.open(BytesIO(body)).load()
