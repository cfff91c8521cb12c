"""The measured batch limit and its measurements."""

import pytest

from runners.backend import BackendError, OutOfMemory, Pixels
from runners.batch_durations import BatchDurations
from runners.batch_limit import MAX_BATCH, batch_limit
from tests.fakes.backends import Breaking, DiscFinder

SIZE = 16


class Gpu(DiscFinder):
    """Needs 4 ms per batch plus `picture_s` per image on its own clock; has memory for `memory` images."""

    device = "cuda"

    def __init__(self, *, memory: int = 100, picture_s: float = 0.0) -> None:
        super().__init__()
        self.memory = memory
        self.picture_s = picture_s
        self.ran: list[int] = []
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def infer(self, images: Pixels) -> Pixels:
        self.ran.append(len(images))
        if len(images) > self.memory:
            raise OutOfMemory("CUDA out of memory")
        self.now += 0.004 + self.picture_s * len(images)
        return super().infer(images)


def limit(gpu: Gpu, wanted: int | None = None) -> int:
    return batch_limit(gpu, SIZE, wanted, BatchDurations(), gpu.clock)


def test_on_a_cpu_it_is_one_picture() -> None:
    durations = BatchDurations()
    assert batch_limit(DiscFinder(), SIZE, None, durations) == 1
    assert durations.seconds(1) > 0


def test_on_a_gpu_it_doubles_while_throughput_improves() -> None:
    assert limit(Gpu()) == MAX_BATCH


def test_on_a_gpu_without_improvement_it_stays_small() -> None:
    gpu = Gpu(picture_s=0.1)
    assert limit(gpu) == 1
    assert max(gpu.ran) == 2


def test_memory_bounds_it() -> None:
    assert limit(Gpu(memory=5)) == 4


def test_the_backend_bounds_it() -> None:
    gpu = Gpu()
    gpu.max_batch = 6
    assert limit(gpu) == 6
    assert max(gpu.ran) == 6


@pytest.mark.parametrize("wanted", [1, 3, 8])
def test_a_configured_limit_is_used(wanted: int) -> None:
    """On a CPU too, and without an improvement; but every size is tried before it is used."""
    assert batch_limit(DiscFinder(), SIZE, wanted, BatchDurations()) == wanted
    gpu = Gpu(picture_s=0.01)
    assert limit(gpu, wanted) == wanted
    assert max(gpu.ran) == wanted


def test_memory_bounds_a_configured_limit() -> None:
    assert limit(Gpu(memory=2), 8) == 2


def test_a_backend_that_fails_on_one_image_has_no_limit() -> None:
    with pytest.raises(BackendError):
        batch_limit(Breaking(), SIZE, None, BatchDurations())
