"""Engines on disk: the right one or none, built once whoever starts together, and never half of one."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runners.backend import BackendError
from runners.tensorrt.build import Built
from runners.tensorrt.cache import Build, EngineCache, EngineKey

KEY = EngineKey("ab" * 32, "tensorrt 10.16.1.11", "NVIDIA H200", "9.0", "fp16", 384, (1, 16, 32), 3)


class _Builder:
    """Counts, and gives the next plan each time."""

    def __init__(self) -> None:
        self.knew: list[bytes] = []

    def __call__(self, timing: bytes) -> Built:
        self.knew.append(timing)
        return Built(f"plan {len(self.knew)}".encode(), f"timings {len(self.knew)}".encode())


def _failing(_: bytes) -> Built:
    raise BackendError("no kernel fits")


def _unused(_: bytes) -> Built:
    raise AssertionError("the engine is there")


def _cache(folder: Path) -> EngineCache:
    return EngineCache(folder, {"driver": "13.0"})


def _file(folder: Path, kind: str) -> Path:
    return folder / f"{KEY.name}.{kind}"


def test_an_engine_is_built_once_and_found_afterwards(tmp_path: Path) -> None:
    assert _cache(tmp_path / "engines").obtain(KEY, _Builder()) == b"plan 1"
    assert _cache(tmp_path / "engines").obtain(KEY, _unused) == b"plan 1"


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, graph="cd" * 32),
        replace(KEY, package="tensorrt 11.4.0.106"),
        replace(KEY, package="tensorrt_rtx 10.16.1.11"),
        replace(KEY, gpu="NVIDIA H100"),
        replace(KEY, capability="10.0"),
        replace(KEY, precision="fp32"),
        replace(KEY, size=512),
        replace(KEY, batches=(1, 8, 16)),
        replace(KEY, batches=(1, 8, 32)),
        replace(KEY, optimisation=5),
    ],
)
def test_whatever_matters_makes_another_engine(tmp_path: Path, other: EngineKey) -> None:
    builder = _Builder()
    assert [_cache(tmp_path).obtain(key, builder) for key in (KEY, other, KEY)] == [b"plan 1", b"plan 2", b"plan 1"]


def test_beside_an_engine_stands_what_it_is(tmp_path: Path) -> None:
    _cache(tmp_path).obtain(KEY, _Builder())
    known = json.loads(_file(tmp_path, "json").read_text())
    expected = {
        "package": "tensorrt 10.16.1.11",
        "gpu": "NVIDIA H200",
        "precision": "fp16",
        "driver": "13.0",
        "bytes": 6,
    }
    assert expected.items() <= known.items()
    assert known["build_s"] >= 0
    assert len(known["sha256"]) == 64


def test_what_was_learnt_of_kernels_is_shared_by_engines_of_one_gpu(tmp_path: Path) -> None:
    builder = _Builder()
    for key in (KEY, replace(KEY, precision="fp32"), replace(KEY, gpu="NVIDIA L4", capability="8.9")):
        _cache(tmp_path).obtain(key, builder)
    assert builder.knew == [b"", b"timings 1", b""]


@pytest.mark.parametrize("kind", ["engine", "json"])
@pytest.mark.parametrize("content", [b"", b"plan", b"{}", b"[]", b"plan 1 and more"])
def test_a_plan_that_its_digest_does_not_fit_is_built_anew(tmp_path: Path, kind: str, content: bytes) -> None:
    """Written by halves, or a plan without what belongs beside it: a crash between the two."""
    builder = _Builder()
    _cache(tmp_path).obtain(KEY, builder)
    _file(tmp_path, kind).write_bytes(content)
    assert _cache(tmp_path).obtain(KEY, builder) == b"plan 2"
    assert _cache(tmp_path).obtain(KEY, _unused) == b"plan 2"


def test_a_plan_that_cannot_be_read_is_put_aside(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.quarantine(KEY, cache.obtain(KEY, _Builder()), "of another version")
    assert _file(tmp_path, "bad").read_bytes() == b"plan 1"
    assert cache.sidecar(KEY)["error"] == "of another version"
    assert cache.obtain(KEY, _Builder()) == b"plan 1"
    assert cache.sidecar(KEY)["error"] is None


def test_a_plan_that_was_replaced_meanwhile_is_not_put_aside(tmp_path: Path) -> None:
    """Two processes found the bad one; the slower must not throw away what the faster has built."""
    cache, builder = _cache(tmp_path), _Builder()
    old = cache.obtain(KEY, builder)
    cache.quarantine(KEY, old, "bad")
    cache.obtain(KEY, builder)
    cache.quarantine(KEY, old, "bad")
    assert cache.obtain(KEY, _unused) == b"plan 2"


def test_an_engine_that_was_refused_is_not_tried_again_until_it_is_forgotten(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.obtain(KEY, _Builder())
    cache.refuse(KEY, "too far off")
    with pytest.raises(BackendError, match=r"an earlier start refused the engine .*: too far off"):
        cache.obtain(KEY, _unused)
    cache.forget(KEY)
    assert cache.obtain(KEY, _Builder()) == b"plan 1"


def test_why_a_build_failed_stands_there_and_the_next_start_tries_again(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no kernel fits"):
        _cache(tmp_path).obtain(KEY, _failing)
    assert _cache(tmp_path).sidecar(KEY)["error"] == "no kernel fits"
    assert _cache(tmp_path).obtain(KEY, _Builder()) == b"plan 1"


def test_a_folder_that_cannot_be_used_is_a_refusal_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendError, match=r"It must be a folder .* CLEARCANVAS_RUNNER__ENGINES_FOLDER"):
        _cache(tmp_path / "file" / "engines").obtain(KEY, _Builder())


def test_the_folder_is_for_this_user_alone(tmp_path: Path) -> None:
    _cache(tmp_path / "a" / "engines").obtain(KEY, _Builder())
    assert (tmp_path / "a" / "engines").stat().st_mode & 0o077 == 0


def _in_own_process(folder: Path, build: Build, found: Path) -> None:
    found.write_bytes(_cache(folder).obtain(KEY, build))


def _slow(_: bytes) -> Built:
    time.sleep(1.0)
    return Built(f"by {os.getpid()}".encode(), b"")


def _endless(_: bytes) -> Built:
    time.sleep(600)
    raise AssertionError


def _start(folder: Path, build: Callable[[bytes], Built], found: Path) -> multiprocessing.context.SpawnProcess:
    process = multiprocessing.get_context("spawn").Process(target=_in_own_process, args=(folder, build, found))
    process.start()
    return process


def test_of_processes_that_start_together_one_builds_and_the_others_wait(tmp_path: Path) -> None:
    engines = tmp_path / "engines"
    found = [tmp_path / str(number) for number in range(3)]
    processes = [_start(engines, _slow, each) for each in found]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len({each.read_bytes() for each in found}) == 1


def test_whoever_is_killed_while_building_holds_up_nobody(tmp_path: Path) -> None:
    engines = tmp_path / "engines"
    killed = _start(engines, _endless, tmp_path / "none")
    try:
        while not _file(engines, "lock").exists() and killed.is_alive():
            time.sleep(0.05)
    finally:
        killed.kill()
        killed.join(60)
    assert _cache(engines).obtain(KEY, _Builder()) == b"plan 1"
    assert not list(engines.glob("*.part"))
