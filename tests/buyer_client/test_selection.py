"""Which pictures a command line means, and where their results go."""

from pathlib import Path

import pytest

from clearcanvas.errors import InvalidSetting
from clearcanvas.selection import jobs

JPEG, PNG, WEBP = b"\xff\xd8\xff\xe0" + bytes(20), b"\x89PNG\r\n\x1a\n" + bytes(20), b"RIFF\0\0\0\0WEBPVP8 "


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Pictures with all kinds of names, and what lies beside pictures."""
    files = {
        "a.JPG": JPEG,
        "b.jfif": JPEG,
        "c": PNG,
        "d.txt": WEBP,
        "notes.jpg": b"words",
        "empty.png": b"",
        "deep/e.jpg": JPEG,
    }
    for name, content in files.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(content)
    return tmp_path / "photos"


def named(arguments: list[str | Path], out: Path, *, format: str = "png", recursive: bool = False) -> dict[str, str]:
    """Names of the pictures and the results, the latter relative to `out`."""
    found = jobs([str(argument) for argument in arguments], out, format=format, recursive=recursive)
    return {job.source.name: job.target.relative_to(out).as_posix() for job in found}


def test_in_a_folder_the_first_bytes_tell_a_picture(photos: Path, tmp_path: Path) -> None:
    flat = {"a.JPG": "a.png", "b.jfif": "b.png", "c": "c.png", "d.txt": "d.png"}
    assert named([photos], tmp_path / "out") == flat
    assert named([photos], tmp_path / "out", recursive=True) == flat | {"e.jpg": "deep/e.png"}


def test_results_within_the_folder_are_no_pictures_to_buy(photos: Path) -> None:
    (photos / "out").mkdir()
    (photos / "out" / "a.png").write_bytes(PNG)
    assert "a.png" not in named([photos], photos / "out", recursive=True)


def test_a_pattern_and_a_file_that_it_covers_are_bought_once(photos: Path, tmp_path: Path) -> None:
    assert named([photos / "*.J*", photos / "a.JPG"], tmp_path, format="jpeg") == {"a.JPG": "a.jpg"}
    assert named([photos / "**" / "*.jpg"], tmp_path) == {"e.jpg": "e.png"}


def test_a_file_that_is_named_is_taken_as_it_is(photos: Path, tmp_path: Path) -> None:
    """So that its buyer is told that it is no picture."""
    assert named([photos / "notes.jpg"], tmp_path / "out") == {"notes.jpg": "notes.png"}


@pytest.mark.parametrize("other", ["a.webp", "A.png"])
def test_results_of_one_name_keep_their_extensions(photos: Path, tmp_path: Path, other: str) -> None:
    """Disks that ignore case included."""
    (photos / other).write_bytes(JPEG)
    came = named([photos / "a.JPG", photos / other], tmp_path / "out")
    assert came == {"a.JPG": "a.JPG.png", other: f"{other}.png"}


def test_one_picture_may_go_into_a_file(photos: Path, tmp_path: Path) -> None:
    [job] = jobs([str(photos / "c")], tmp_path / "cut.webp", format="webp", recursive=False)
    assert job.target == tmp_path / "cut.webp"


@pytest.mark.parametrize(
    ("arguments", "out", "said"),
    [
        (["{photos}/nothing.jpg"], "out", "does not exist"),
        (["{photos}/*.gif"], "out", "No JPEG, PNG or WebP file exists in"),
        (["{photos}"], "cut.png", "must be a folder for 4 pictures"),
        (["{photos}/a.JPG"], "cut.webp", "must have the extension of --format png"),
        (["{photos}/x/1.jpg", "{photos}/y/1.jpg"], "out", "different folders"),
        (["{photos}/x/1.png"], "photos/x", "would replace a picture"),
        (["{photos}"], "photos", "would read results in"),
        (["{photos}/*.JPG"], "photos", "would read results in"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    photos: Path, tmp_path: Path, arguments: list[str], out: str, said: str
) -> None:
    for name in ("x/1.jpg", "y/1.jpg", "x/1.png"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).write_bytes(JPEG)
    with pytest.raises(InvalidSetting, match=said):
        jobs([argument.format(photos=photos) for argument in arguments], tmp_path / out, format="png", recursive=False)
