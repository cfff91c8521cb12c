"""Benchmark of a backend by batch size."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from runners.backend import Backend, OutOfMemory
from runners.golden import golden_pictures, scaled

_WARM_UP = 3


def benchmark(backend: Backend, size: int, *, batches: Sequence[int], seconds: float) -> Iterator[dict[str, float]]:
    """For each batch size: milliseconds per batch (median and fastest) and images per second, from pixels in memory to
    alpha in memory. Batch sizes that the backend does not support or has no memory for are skipped.

    Args:
        size: pixels per side.
        seconds: minimum duration per batch size.
    """
    pictures = scaled(golden_pictures(), size)
    for count in batches:
        if backend.max_batch is not None and count > backend.max_batch:
            continue
        images = pictures[np.arange(count) % len(pictures)]
        try:
            times = _times(backend, images, seconds)
        except OutOfMemory:
            return
        median = float(np.median(times))
        yield {
            "batch": count,
            "ms_median": round(1000 * median, 3),
            "ms_fastest": round(1000 * min(times), 3),
            "pictures_per_s": round(count / median, 1),
            "runs": len(times),
        }


def _times(backend: Backend, images: np.ndarray, seconds: float) -> list[float]:
    for _ in range(_WARM_UP):
        backend.infer(images)
    times: list[float] = []
    ends_at = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < ends_at:
        began = time.perf_counter()
        backend.infer(images)
        times.append(time.perf_counter() - began)
    return times
