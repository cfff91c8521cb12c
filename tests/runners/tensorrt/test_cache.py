"""The engine cache: the right engine or none, built once even with concurrent starts, never partly written."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runners.backend import BackendError
from runners.tensorrt.build import BuiltEngine
from runners.tensorrt.cache import Build, EngineCache, EngineKey

KEY = EngineKey("ab" * 32, "tensorrt 10.16.1.11", "NVIDIA H200", "9.0", "fp16", 384, (1, 16, 32), 3)


class _Builder:
    """Counts, and gives the next plan each time."""

    def __init__(self) -> None:
        self.knew: list[bytes] = []

    def __call__(self, timing: bytes) -> BuiltEngine:
        self.knew.append(timing)
        return BuiltEngine(f"plan {len(self.knew)}".encode(), f"timings {len(self.knew)}".encode())


def _failing(_: bytes) -> BuiltEngine:
    raise BackendError("no kernel fits")


def _unused(_: bytes) -> BuiltEngine:
    raise AssertionError("the engine is there")


def _cache(folder: Path) -> EngineCache:
    return EngineCache(folder, {"driver": "13.0"})


def _file(folder: Path, kind: str) -> Path:
    return folder / f"{KEY.name}.{kind}"


def test_an_engine_is_built_once_and_cached(tmp_path: Path) -> None:
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
def test_every_part_of_the_key_makes_another_engine(tmp_path: Path, other: EngineKey) -> None:
    builder = _Builder()
    assert [_cache(tmp_path).obtain(key, builder) for key in (KEY, other, KEY)] == [b"plan 1", b"plan 2", b"plan 1"]


def test_the_record_describes_the_engine(tmp_path: Path) -> None:
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


def test_kernel_timings_are_shared_on_one_gpu(tmp_path: Path) -> None:
    builder = _Builder()
    for key in (KEY, replace(KEY, precision="fp32"), replace(KEY, gpu="NVIDIA L4", capability="8.9")):
        _cache(tmp_path).obtain(key, builder)
    assert builder.knew == [b"", b"timings 1", b""]


@pytest.mark.parametrize("kind", ["engine", "json"])
@pytest.mark.parametrize("content", [b"", b"plan", b"{}", b"[]", b"plan 1 and more"])
def test_a_plan_with_a_wrong_digest_is_rebuilt(tmp_path: Path, kind: str, content: bytes) -> None:
    """A crash can leave a partly written plan or a plan without its record."""
    builder = _Builder()
    _cache(tmp_path).obtain(KEY, builder)
    _file(tmp_path, kind).write_bytes(content)
    assert _cache(tmp_path).obtain(KEY, builder) == b"plan 2"
    assert _cache(tmp_path).obtain(KEY, _unused) == b"plan 2"


def test_an_unreadable_plan_is_quarantined(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.quarantine(KEY, cache.obtain(KEY, _Builder()), "of another version")
    assert _file(tmp_path, "bad").read_bytes() == b"plan 1"
    assert cache.sidecar(KEY)["error"] == "of another version"
    assert cache.obtain(KEY, _Builder()) == b"plan 1"
    assert cache.sidecar(KEY)["error"] is None


def test_a_replaced_plan_is_not_quarantined(tmp_path: Path) -> None:
    """Two processes find a bad plan; the slower one must not remove the other's new plan."""
    cache, builder = _cache(tmp_path), _Builder()
    old = cache.obtain(KEY, builder)
    cache.quarantine(KEY, old, "bad")
    cache.obtain(KEY, builder)
    cache.quarantine(KEY, old, "bad")
    assert cache.obtain(KEY, _unused) == b"plan 2"


def test_a_rejected_engine_is_not_retried_until_forget(tmp_path: Path) -> None:
    cache = _cache(tmp_path)
    cache.obtain(KEY, _Builder())
    cache.refuse(KEY, "too far off")
    with pytest.raises(BackendError, match=r"an earlier start rejected the engine .*: too far off"):
        cache.obtain(KEY, _unused)
    cache.forget(KEY)
    assert cache.obtain(KEY, _Builder()) == b"plan 1"


def test_a_failed_build_is_recorded_and_retried(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no kernel fits"):
        _cache(tmp_path).obtain(KEY, _failing)
    assert _cache(tmp_path).sidecar(KEY)["error"] == "no kernel fits"
    assert _cache(tmp_path).obtain(KEY, _Builder()) == b"plan 1"


def test_an_unusable_folder_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackendError, match=r"It must be a writable folder .* CLEARCANVAS_RUNNER__ENGINES_FOLDER"):
        _cache(tmp_path / "file" / "engines").obtain(KEY, _Builder())


def test_only_this_user_can_access_the_folder(tmp_path: Path) -> None:
    _cache(tmp_path / "a" / "engines").obtain(KEY, _Builder())
    assert (tmp_path / "a" / "engines").stat().st_mode & 0o077 == 0


def _in_own_process(folder: Path, build: Build, found: Path) -> None:
    found.write_bytes(_cache(folder).obtain(KEY, build))


def _slow(_: bytes) -> BuiltEngine:
    time.sleep(1.0)
    return BuiltEngine(f"by {os.getpid()}".encode(), b"")


def _endless(_: bytes) -> BuiltEngine:
    time.sleep(600)
    raise AssertionError


def _start(folder: Path, build: Callable[[bytes], BuiltEngine], found: Path) -> multiprocessing.context.SpawnProcess:
    process = multiprocessing.get_context("spawn").Process(target=_in_own_process, args=(folder, build, found))
    process.start()
    return process


def test_one_of_several_processes_builds_and_the_others_wait(tmp_path: Path) -> None:
    engines = tmp_path / "engines"
    found = [tmp_path / str(number) for number in range(3)]
    processes = [_start(engines, _slow, each) for each in found]
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len({each.read_bytes() for each in found}) == 1


def test_a_killed_builder_releases_its_lock(tmp_path: Path) -> None:
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
