"""How large a batch may be, and what is known of its time afterwards."""

import pytest

from runners.backend import BackendError, OutOfMemory, Pixels
from runners.batch_limit import MOST, batch_limit
from runners.pace import Pace
from tests.fakes.backends import Breaking, DiscFinder

SIZE = 16


class Gpu(DiscFinder):
    """Takes 4 ms of its own clock a batch and a share for each picture; has memory for so many."""

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
    return batch_limit(gpu, SIZE, wanted, Pace(), gpu.clock)


def test_on_a_cpu_it_is_one_picture() -> None:
    pace = Pace()
    assert batch_limit(DiscFinder(), SIZE, None, pace) == 1
    assert pace.seconds(1) > 0


def test_on_a_gpu_it_is_doubled_as_long_as_it_gains() -> None:
    assert limit(Gpu()) == MOST


def test_on_a_gpu_that_gains_nothing_it_stays_small() -> None:
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
def test_the_operator_has_the_last_word(wanted: int) -> None:
    """On a CPU as well, and whatever is gained; but every size is tried before it is used."""
    assert batch_limit(DiscFinder(), SIZE, wanted, Pace()) == wanted
    gpu = Gpu(picture_s=0.01)
    assert limit(gpu, wanted) == wanted
    assert max(gpu.ran) == wanted


def test_the_operator_cannot_give_it_memory() -> None:
    assert limit(Gpu(memory=2), 8) == 2


def test_without_a_single_picture_there_is_no_limit() -> None:
    with pytest.raises(BackendError):
        batch_limit(Breaking(), SIZE, None, Pace())
