"""The maximum batch size, measured where batching can improve throughput."""

import time
from collections.abc import Callable

import numpy as np
import structlog

from runners.backend import Backend, BackendError, probe_image
from runners.batch_durations import BatchDurations

log = structlog.get_logger(__name__)

MAX_BATCH = 32
"""Larger batches hardly improve throughput on any device and increase every image's latency."""
_RUNS = 2
_GAIN = 0.9
"""Doubling the batch is worth its latency if the time per image drops to at maximum this share."""


def batch_limit(
    backend: Backend,
    size: int,
    wanted: int | None,
    durations: BatchDurations,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """The maximum batch size. Also warms the backend up and records the first measurements in `durations`.

    Args:
        size: pixels per side of the network's input.
        wanted: the configured size; None: 1 on a CPU, where batching does not improve throughput, else doubled
            while throughput improves.
        clock: seconds.

    Raises:
        BackendError: the backend fails on a single image.
    """
    _measure(backend, size, 1, durations, clock)
    maximum = min(MAX_BATCH if wanted is None else wanted, backend.max_batch or MAX_BATCH)
    if wanted is None and backend.device == "cpu":
        maximum = 1
    limit = 1
    while limit < maximum:
        larger = min(2 * limit, maximum)
        if not _fits(backend, size, larger, durations, clock):
            break
        if wanted is None and durations.seconds(larger) / larger > _GAIN * durations.seconds(limit) / limit:
            break
        limit = larger
    log.info("batch_limit", backend=backend.name, limit=limit, picture_s=round(durations.seconds(limit) / limit, 4))
    return limit


def _fits(backend: Backend, size: int, pictures: int, durations: BatchDurations, clock: Callable[[], float]) -> bool:
    try:
        _measure(backend, size, pictures, durations, clock)
    except BackendError as error:
        log.warning("batch_size_rejected", backend=backend.name, size=pictures, reason=str(error))
        return False
    return True


def _measure(backend: Backend, size: int, pictures: int, durations: BatchDurations, clock: Callable[[], float]) -> None:
    """The first run of a batch size allocates and compiles, so it is not measured."""
    images = np.repeat(probe_image(size)[None], pictures, axis=0)
    backend.infer(images)
    for _ in range(_RUNS):
        began = clock()
        backend.infer(images)
        durations.record(pictures, clock() - began)
