import pytest

from imaging.formats import INPUTS, ImageFormat
from tests.imaging.samples import saved, scene


@pytest.mark.parametrize("format", INPUTS)
def test_a_file_is_known_by_its_first_bytes(format: ImageFormat) -> None:
    assert ImageFormat.of(saved(scene(), format)[:12]) is format


@pytest.mark.parametrize(
    "body", [b"", b"\x89PNG", b"GIF89a", b"<!DOCTYPE html>", b"RIFF\x00\x00\x00\x00WAVE", b" \xff\xd8\xff"]
)
def test_anything_else_is_of_no_format(body: bytes) -> None:
    assert ImageFormat.of(body) is None


def test_a_cut_out_is_written_only_where_there_is_transparency() -> None:
    assert {each for each in ImageFormat if each.has_alpha} == {ImageFormat.PNG, ImageFormat.WEBP}
