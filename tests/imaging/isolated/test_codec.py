"""Our own codecs behind the seal: every file comes out as it does here, so nothing is loaded too late."""

from collections.abc import Iterator

import numpy as np
import pytest

from errors import InvalidImage
from imaging.decoding import decode
from imaging.formats import INPUTS, ImageFormat
from imaging.isolated.pool import IS_POSSIBLE, DecoderPool
from imaging.probing import ImageInfo, probe
from pipeline import Decode
from tests.fuzz.mutations import Mutations
from tests.fuzz.seeds import seeds
from tests.imaging.samples import MAX_SIDE, saved, scene, with_chunk

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="decoders can be isolated on Linux only")

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
MUTATED = 400


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(1, timeout_s=60) as pool:
        yield pool


def outcome(work: Decode, body: bytes, info: ImageInfo) -> tuple[object, ...]:
    """The pixels, or the words of the refusal."""
    try:
        picture = work(body, info)
    except InvalidImage as refusal:
        return (refusal.detail,)
    return picture.rgba.shape, picture.rgba.tobytes(), picture.has_alpha


def assert_same(pool: DecoderPool, name: str, body: bytes) -> bool:
    """Whether it got as far as a codec."""
    declared = ImageFormat.of(body)
    if declared is None:
        return False
    try:
        info = probe(body, declared, MAX_SIDE)
    except InvalidImage:
        return False
    assert outcome(pool.decode, body, info) == outcome(decode, body, info), name
    return True


def test_every_kind_of_file_comes_out_as_it_does_in_this_process(pool: DecoderPool) -> None:
    decoded = [assert_same(pool, name, body) for name, body in seeds().items()]
    assert sum(decoded) > 100


def test_damaged_files_are_refused_in_the_same_words(pool: DecoderPool) -> None:
    """Damage leads codecs where sound files never do, and what is loaded there must be loaded already."""
    mutations = Mutations(seed=7)
    decoded = [assert_same(pool, *mutations.file(number)) for number in range(MUTATED)]
    assert sum(decoded) > MUTATED / 4


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9_999), (3_000, 2_000)])
@pytest.mark.parametrize("format", INPUTS)
def test_pictures_of_every_size(pool: DecoderPool, format: ImageFormat, width: int, height: int) -> None:
    body = saved(scene(width, height), format)
    assert assert_same(pool, "", body)


def test_a_file_larger_than_its_picture(pool: DecoderPool) -> None:
    assert assert_same(pool, "", with_chunk(saved(scene(), PNG), b"tEXt", b"a\0" + b"b" * 3_000_000))


def test_what_is_decoded_is_as_writable_as_it_is_here(pool: DecoderPool) -> None:
    body = saved(scene(), PNG)
    picture = pool.decode(body, probe(body, PNG, MAX_SIDE))
    assert picture.rgba.flags.c_contiguous
    assert picture.rgba.flags.writeable
    assert np.shares_memory(picture.rgba, picture.rgba.view(np.uint32))
