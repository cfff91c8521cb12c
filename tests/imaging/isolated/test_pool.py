"""A codec that crashes, hangs, or takes too much costs its own picture, and nothing else."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from errors import InvalidImage, Overloaded, ProcessingFailed
from imaging.formats import ImageFormat
from imaging.isolated.limits import Limits
from imaging.isolated.pool import IS_POSSIBLE, DecoderPool
from imaging.probing import ImageInfo
from tests.waiting import eventually

pytestmark = pytest.mark.skipif(not IS_POSSIBLE, reason="decoders can be isolated on Linux only")

FAKE = "tests.fakes.codec"
INFO = ImageInfo(ImageFormat.PNG, 30, 20, 1, 8)
SHORT = Limits(cpu_s=1, wall_factor=20)
ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def opened(processes: int = 1, limits: Limits = SHORT) -> Iterator[DecoderPool]:
    with DecoderPool(processes, codec=FAKE, limits=limits, timeout_s=60) as pool:
        assert eventually(lambda: len(pool.pids) == processes, 60)
        yield pool


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    with opened() as pool:
        yield pool


def assert_serves(pool: DecoderPool) -> None:
    picture = pool.decode(b"nothing", INFO)
    assert picture.rgba.shape == (20, 30, 4)
    assert np.all(picture.rgba == 7)


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (b"abort", InvalidImage),
        (b"segfault", InvalidImage),
        (b"spin", InvalidImage),
        (b"exit 0", ProcessingFailed),
        (b"bug", ProcessingFailed),
        (b"late-import", ProcessingFailed),
    ],
)
def test_what_ends_a_decoder_is_the_refusal_of_one_picture(
    pool: DecoderPool, order: bytes, refusal: type[Exception]
) -> None:
    (before,) = pool.pids
    with pytest.raises(refusal):
        pool.decode(order, INFO)
    assert_serves(pool)
    assert pool.pids != [before]
    assert not psutil.pid_exists(before)


def test_a_decoder_that_hangs_is_killed() -> None:
    with opened(limits=Limits(cpu_s=1, cpu_s_per_megapixel=0, wall_factor=0.5)) as pool:
        start = time.monotonic()
        with pytest.raises(ProcessingFailed):
            pool.decode(b"hang", INFO)
        assert time.monotonic() - start < 30
        assert_serves(pool)


def test_a_file_may_take_the_memory_of_a_picture_of_its_size(pool: DecoderPool) -> None:
    pool.decode(b"eat 100", INFO)
    with pytest.raises(InvalidImage, match="more memory"):
        pool.decode(b"eat 1000", INFO)
    assert_serves(pool)
    large = ImageInfo(ImageFormat.PNG, 10_000, 8_000, 1, 8)
    pool.decode(b"eat 1000", large)


def test_a_decoder_that_leaks_is_replaced_in_time() -> None:
    """Before it has no room for a sound picture."""
    with opened(limits=Limits(growth=100_000_000)) as pool:
        (before,) = pool.pids
        for _ in range(4):
            pool.decode(b"leak 60", INFO)
        assert pool.pids != [before]


def test_killed_from_outside_it_is_replaced_and_nobody_notices(pool: DecoderPool) -> None:
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: pid not in pool.pids)
    assert_serves(pool)


def test_others_go_on_while_one_hangs() -> None:
    with opened(2, Limits(cpu_s=1, wall_factor=5)) as pool, ThreadPoolExecutor(2) as threads:
        hanging = threads.submit(pool.decode, b"hang", INFO)
        for _ in range(20):
            assert_serves(pool)
        with pytest.raises(ProcessingFailed):
            hanging.result()


def test_without_a_free_decoder_a_picture_is_refused_in_time() -> None:
    with DecoderPool(1, codec="tests.fakes.no_such_codec", timeout_s=0.5) as pool:
        with pytest.raises(Overloaded):
            pool.decode(b"nothing", INFO)
        assert pool.pids == []


async def test_a_pool_whose_decoders_do_not_start_is_not_well() -> None:
    with DecoderPool(1, codec="tests.fakes.no_such_codec") as pool:
        assert await pool.health() is not None
    with opened() as pool:
        assert await pool.health() is None


def test_pictures_in_hand_are_not_overwritten(pool: DecoderPool) -> None:
    pictures = [pool.decode(b"nothing", INFO) for _ in range(5)]
    for number, picture in enumerate(pictures):
        picture.rgba[:] = number
    assert [int(picture.rgba.max()) for picture in pictures] == [0, 1, 2, 3, 4]


def test_pictures_outlive_their_decoder_and_the_pool() -> None:
    with opened() as pool:
        picture = pool.decode(b"nothing", INFO)
        with pytest.raises(InvalidImage):
            pool.decode(b"abort", INFO)
        assert_serves(pool)
    picture.rgba[:] = 8
    assert np.all(picture.rgba == 8)


def test_memory_is_used_again_and_nothing_piles_up(pool: DecoderPool) -> None:
    large = ImageInfo(ImageFormat.PNG, 6_000, 5_000, 1, 8)
    in_hand = [pool.decode(b"nothing", info) for info in (INFO, INFO, INFO, large, large)]
    in_hand.clear()
    before = _descriptors(), psutil.Process(pool.pids[0]).num_fds()
    for info in (INFO, large) * 5:
        pool.decode(b"nothing", info)
    assert (_descriptors(), psutil.Process(pool.pids[0]).num_fds()) == before


def test_a_closed_pool_leaves_nothing() -> None:
    gc.collect()  # pictures of other tests
    before, shared = _descriptors(), set(Path("/dev/shm").iterdir())  # noqa: S108  # nothing is written there
    with opened(2) as pool:
        pids = pool.pids
        assert_serves(pool)
        assert set(Path("/dev/shm").iterdir()) <= shared  # noqa: S108
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert _descriptors() == before
    assert not [each for each in threading.enumerate() if each.name == "decoders"]


def _descriptors() -> int:
    return psutil.Process().num_fds()


@pytest.mark.parametrize("order", ["nothing", "spin", "hang"])
def test_decoders_end_with_a_service_that_is_killed(order: str) -> None:
    """Idle, and at work."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVICE, order], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout
        pid = int(service.stdout.readline())
        assert eventually(_is_at_work(pid, order), 60)
        service.kill()
    assert eventually(lambda: not _lives(pid), 10)


_SERVICE = """
import sys, time
from imaging.isolated.pool import DecoderPool
from tests.imaging.isolated.test_pool import FAKE, INFO
with DecoderPool(1, codec=FAKE) as pool:
    while not pool.pids:
        time.sleep(0.05)
    print(*pool.pids, flush=True)
    pool.decode(sys.argv[1].encode(), INFO)
    time.sleep(600)
"""


def _is_at_work(pid: int, order: str) -> Callable[[], bool]:
    process = psutil.Process(pid)
    start = process.cpu_times().user
    if order == "spin":
        return lambda: process.cpu_times().user > start + 0.1
    time.sleep(0.3)
    return process.is_running


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
