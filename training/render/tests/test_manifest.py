"""The manifest: whole at every moment, and in the form that training reads."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from training.render import manifest
from training.render.manifest import Row

ROW = Row("00001_rope.webp", "rope", "512x512", "0.250", "0.031", "00001_rope.jpg")


def add_some(folder: Path, start: int, count: int) -> None:
    """Add rows one by one, as a process of its own does."""
    for number in range(start, start + count):
        manifest.add(folder, replace(ROW, file=f"{number:05}_rope.webp"))


def test_its_form_is_that_of_the_first_batch(tmp_path: Path) -> None:
    manifest.add(tmp_path, ROW)
    assert (tmp_path / manifest.FILE).read_text().splitlines() == [
        "file,family,size,coverage,soft_fraction,pair,licence",
        '00001_rope.webp,rope,512x512,0.250,0.031,00001_rope.jpg,"own work, rendered by training/render"',
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = [ROW, replace(ROW, file="00002_rope.webp", pair="")]
    for row in reversed(rows):
        manifest.add(tmp_path, row)
    assert manifest.read(tmp_path) == rows


def test_a_row_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    manifest.add(tmp_path, ROW)
    manifest.add(tmp_path, replace(ROW, coverage="0.5"))
    assert manifest.read(tmp_path) == [replace(ROW, coverage="0.5")]


def test_no_manifest_has_no_rows(tmp_path: Path) -> None:
    assert manifest.read(tmp_path) == []


def test_processes_that_fill_one_folder_lose_no_row(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(add_some, tmp_path, start, 25) for start in (0, 100, 200)]:
            done.result()
    assert len(manifest.read(tmp_path)) == 75
