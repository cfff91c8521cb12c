"""Data in parts: small enough, complete, and the same to train on."""

from pathlib import Path

import cv2
import pytest

from training.matting.pack import pack, unpack
from training.matting.records import DataError, find
from training.matting.tests.pictures import data_folder

ROOM = 0.04


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_folder(tmp_path / "data", photos=8)


def packed(
    data: Path, out: Path, *, side: int = 48, megabytes: float = ROOM, permissive_only: bool = False
) -> list[Path]:
    return pack(
        data,
        out,
        side=side,
        quality=90,
        megabytes=megabytes,
        permissive_only=permissive_only,
        seen=lambda _done, _of: None,
    )


def test_what_is_unpacked_can_be_trained_on(data: Path, tmp_path: Path) -> None:
    parts = packed(data, tmp_path / "parts")
    assert len(parts) > 1
    assert max(part.stat().st_size for part in parts) <= ROOM * 1e6
    unpack(tmp_path / "parts", tmp_path / "there")
    before, after = (find(folder, permissive_only=False) for folder in (data, tmp_path / "there"))
    assert [record.picture.name for record in before] == [record.picture.name for record in after]
    for record in after:
        picture = cv2.imread(str(record.picture))
        assert picture is not None
        assert max(picture.shape[:2]) == 48


def test_small_photographs_are_sent_as_they_are_and_alpha_loses_nothing(data: Path, tmp_path: Path) -> None:
    packed(data, tmp_path / "parts", side=96)
    unpack(tmp_path / "parts", tmp_path / "there")
    for name in ("train_real/ccp_0001.jpg", "train_real/ccp_0001.png"):
        assert (tmp_path / "there" / name).read_bytes() == (data / name).read_bytes()
    one, other = (cv2.imread(str(at / "rendered/00001_glassware.webp"), -1) for at in (data, tmp_path / "there"))
    assert one is not None
    assert other is not None
    assert (one[:, :, 3] == other[:, :, 3]).all()


def test_only_what_may_be_used_is_sent(data: Path, tmp_path: Path) -> None:
    packed(data, tmp_path / "parts", permissive_only=True)
    unpack(tmp_path / "parts", tmp_path / "there")
    assert not (tmp_path / "there/train_real/ecssd_0000.jpg").exists()
    assert len(find(tmp_path / "there", permissive_only=False)) == len(find(data, permissive_only=True))


def test_parts_may_arrive_one_after_the_other(data: Path, tmp_path: Path) -> None:
    last = packed(data, tmp_path / "parts")[-1]
    content = last.read_bytes()
    last.unlink()
    with pytest.raises(DataError, match=rf"Still missing: {last.name}\."):
        unpack(tmp_path / "parts", tmp_path / "there")
    last.write_bytes(content)
    assert unpack(tmp_path / "parts", tmp_path / "there") > 0
    assert unpack(tmp_path / "parts", tmp_path / "there") == 0


def test_a_damaged_part_is_refused(data: Path, tmp_path: Path) -> None:
    part = packed(data, tmp_path / "parts")[0]
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="is damaged"):
        unpack(tmp_path / "parts", tmp_path / "there")


def test_a_file_larger_than_a_part_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fits no part"):
        packed(data, tmp_path / "parts", megabytes=0.022)
