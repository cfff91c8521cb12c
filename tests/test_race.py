"""The parts of `make race` that could make it unfair without a word."""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # carries no types
import psutil
import pytest

from benchmarks.race.contestants import PAID, REMBG
from benchmarks.race.legs import Leg
from benchmarks.race.mattes import differences
from benchmarks.race.meter import Meter
from benchmarks.race.pictures import SIZES, Pictures
from benchmarks.race.report import summary
from benchmarks.race.weights import wrap
from models.manifest import ModelManifest

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_the_wrapped_network_finds_what_ours_finds(tmp_path: Path) -> None:
    """In rembg's form a picture has 320 pixels a side, and is normalised in float64 as rembg does it."""
    network = ModelManifest.load("clearcanvas-matte-6").path
    picture = cv2.imdecode(np.frombuffer(Pictures.of("2 MP, no grain").files[0], np.uint8), cv2.IMREAD_COLOR_RGB)
    small = cv2.resize(np.asarray(picture), (320, 320), interpolation=cv2.INTER_AREA)
    normalised = ((small / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(np.float32)
    (theirs,) = onnxruntime.InferenceSession(str(wrap(network, tmp_path))).run(None, {"before_normalised": normalised})
    enlarged = cv2.resize(small, (384, 384), interpolation=cv2.INTER_LINEAR)[None]
    (ours,) = onnxruntime.InferenceSession(str(network)).run(None, {"image": enlarged})
    assert ours.max() == 255
    assert ours.min() == 0
    assert np.abs(255 * theirs[:, 0] - ours).mean() < 0.5


@pytest.mark.parametrize("size", SIZES)
def test_pictures_are_of_the_stated_size_and_no_two_are_the_same_file(size: str) -> None:
    files = Pictures.of(size).unique(7)
    assert len(set(files)) == 7
    shapes = {np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)).shape for file in files}
    assert shapes == {(SIZES[size][1], SIZES[size][0], 3)}


def test_processor_time_of_all_processes_is_counted() -> None:
    """A process that works in a child of its own."""
    work = "import time\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True)\ntime.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        try:
            time.sleep(0.2)
            with Meter(psutil.Process(process.pid)) as meter:
                assert process.stdout
                process.stdout.readline()
                time.sleep(0.6)
        finally:
            for each in psutil.Process(process.pid).children():
                each.kill()
    assert 0.1 < meter.cpu_s < 1
    assert meter.rss_mb > meter.pss_mb > 5


def test_ratios_are_those_of_the_medians_at_each_concurrency() -> None:
    def leg(server: str, concurrency: int, cpu_s: float) -> Leg:
        return Leg(server, "2 MP", concurrency, cpu_s, 1.0, [1.0, 3.0], 100.0, 90.0, 0.0)

    run = [leg(REMBG, at, 1.0) for at in (1, 4, 16)] + [
        leg(PAID, at, cpu_s) for at, costs in {1: (0.1, 0.3), 4: (0.5, 0.5), 16: (0.9, 0.9)}.items() for cpu_s in costs
    ]
    found = summary(run)
    assert found["levels"]["CPU a picture, paid, fp32, 2 MP"] == {"ratio": 0.5, "aim": 0.6}
    assert {row["p50_s"] for row in found["rows"]} == {2.0}


def test_mattes_are_compared_in_levels() -> None:
    def png(alpha: int) -> bytes:
        return bytes(cv2.imencode(".png", np.full((4, 4, 4), alpha, np.uint8))[1])

    assert differences([png(10), png(10)], [png(10), png(50)]) == {"mean_levels": 20.0, "share_beyond_32": 0.5}
