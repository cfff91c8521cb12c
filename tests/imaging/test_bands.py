import pytest

from imaging.bands import BAND_PIXELS, bands


@pytest.mark.parametrize(
    ("height", "width", "multiple"), [(1, 1, 1), (3000, 4000, 1), (1001, 10_000, 8), (7, 10**6, 4)]
)
def test_bands_cover_every_row_once_and_in_order(height: int, width: int, multiple: int) -> None:
    found = list(bands(height, width, multiple))
    assert [row for rows in found for row in range(rows.start, rows.stop)] == list(range(height))
    for rows in found[:-1]:
        assert (rows.stop - rows.start) % multiple == 0
        assert (rows.stop - rows.start) * width <= max(BAND_PIXELS, multiple * width)
