"""How many pictures a batch should have at most: measured where batching can gain something."""

import time
from collections.abc import Callable

import numpy as np
import structlog

from runners.backend import Backend, BackendError, probe_image
from runners.pace import Pace

log = structlog.get_logger(__name__)

MOST = 32
"""A larger batch gains next to nothing on any device, and every picture waits for all of it."""
_RUNS = 2
_GAIN = 0.9
"""A batch of twice the size is worth its wait when a picture takes at most this share of the time."""


def batch_limit(
    backend: Backend, size: int, wanted: int | None, pace: Pace, clock: Callable[[], float] = time.monotonic
) -> int:
    """Pictures per batch, and on the way the first measurements for `pace`: the warm-up.

    Args:
        size: pixels per side of the network's input.
        wanted: the operator's choice; None: 1 on a CPU, where a batch takes as long as its pictures do one by one,
            else doubled as long as that gains something.
        clock: seconds.

    Raises:
        BackendError: not even one picture can be run.
    """
    _measure(backend, size, 1, pace, clock)
    most = min(MOST if wanted is None else wanted, backend.max_batch or MOST)
    if wanted is None and backend.device == "cpu":
        most = 1
    limit = 1
    while limit < most:
        larger = min(2 * limit, most)
        if not _fits(backend, size, larger, pace, clock):
            break
        if wanted is None and pace.seconds(larger) / larger > _GAIN * pace.seconds(limit) / limit:
            break
        limit = larger
    log.info("batch_limit", backend=backend.name, limit=limit, picture_s=round(pace.seconds(limit) / limit, 4))
    return limit


def _fits(backend: Backend, size: int, pictures: int, pace: Pace, clock: Callable[[], float]) -> bool:
    try:
        _measure(backend, size, pictures, pace, clock)
    except BackendError as error:
        log.warning("batch_refused", backend=backend.name, size=pictures, reason=str(error))
        return False
    return True


def _measure(backend: Backend, size: int, pictures: int, pace: Pace, clock: Callable[[], float]) -> None:
    """The first run of a size allocates and compiles, so it does not count."""
    images = np.repeat(probe_image(size)[None], pictures, axis=0)
    backend.infer(images)
    for _ in range(_RUNS):
        began = clock()
        backend.infer(images)
        pace.note(pictures, clock() - began)
