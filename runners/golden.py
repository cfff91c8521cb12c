"""Golden images: expected alphas that a backend must reproduce within a tolerance before it serves.

The probe of `backend.py` checks that the network works at all; the golden images check that its quality equals fp32 on
the CPU. They are our own renders. The alphas of shipped models are stored beside them, others are computed once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import structlog

from models import MODELS, Gate, ModelManifest
from runners.backend import BackendError, Pixels

log = structlog.get_logger(__name__)

GOLDEN_FOLDER = MODELS / "golden"
DEFAULT_GATE = Gate(mean=0.5, p99_9=5)
"""For a precision without a gate in the manifest."""

Infer = Callable[[Pixels], Pixels]
"""uint8 [N,S,S,3] → uint8 [N,S,S]."""


class GateFailed(BackendError):
    """The backend works, but its alphas differ too much from fp32 on the CPU. A retry would fail the same way."""


@dataclass(frozen=True)
class Distance:
    """Difference between alphas and those of fp32 on the CPU, in levels of 255."""

    mean: float
    p99_9: float
    largest: int

    def __str__(self) -> str:
        return f"mean {self.mean:.3f}, 99.9th percentile {self.p99_9:.1f}, largest {self.largest} of 255"


@dataclass(frozen=True)
class Golden:
    """Images uint8 [K,S,S,3] and their alphas with fp32 weights on the CPU, uint8 [K,S,S]."""

    pictures: Pixels
    alphas: Pixels

    def check(self, infer: Infer, gate: Gate, batches: tuple[int, ...]) -> Distance:
        """Run all images in batches of each size, and return the largest distance.

        Raises:
            GateFailed: the alphas differ too much.
            BackendError: the backend failed.
        """
        worst = Distance(0.0, 0.0, 0)
        for size in batches:
            found = self.distance(infer, size)
            if found.mean > gate.mean or found.p99_9 > gate.p99_9:
                raise GateFailed(
                    f"golden images in batches of {size} are too far from fp32 on the CPU: {found}; the limit is "
                    f"mean {gate.mean:g}, 99.9th percentile {gate.p99_9:g}"
                )
            worst = max(worst, found, key=lambda each: each.p99_9)
        return worst

    def distance(self, infer: Infer, size: int) -> Distance:
        """The distance with batches of `size`; images are repeated to fill the last batch."""
        count = -(-len(self.pictures) // size) * size
        places = np.arange(count) % len(self.pictures)
        found = [infer(self.pictures[part]) for part in np.split(places, count // size)]
        difference = np.abs(np.concatenate(found).astype(np.int16) - self.alphas[places])
        return Distance(float(difference.mean()), float(np.percentile(difference, 99.9)), int(difference.max()))


def golden(manifest: ModelManifest, reference: Callable[[], Infer], cache_folder: Path) -> Golden:
    """The golden images at the model's input size, with its alphas.

    Args:
        reference: builds the fp32 model on the CPU; called for models without stored alphas.
        cache_folder: folder for computed alphas.

    Raises:
        BackendError: the reference cannot be computed.
    """
    pictures = scaled(golden_pictures(), manifest.input.size)
    for file in (GOLDEN_FOLDER / f"{manifest.name}.npz", cache_folder / f"{manifest.sha256[:16]}-golden.npz"):
        alphas = _stored(file, manifest, pictures)
        if alphas is not None:
            return Golden(pictures, alphas)
    infer = reference()
    alphas = np.concatenate([infer(each[None]) for each in pictures])
    try:
        store_golden(file, manifest, pictures, alphas)
    except OSError as error:  # the alphas are then computed at each start
        log.warning("golden_not_stored", model=manifest.label, file=str(file), reason=str(error))
    return Golden(pictures, alphas)


@cache
def golden_pictures() -> Pixels:
    """uint8 [K,384,384,3]."""
    with np.load(GOLDEN_FOLDER / "pictures.npz") as stored:
        return np.asarray(stored["pictures"], np.uint8)


def scaled(pictures: Pixels, size: int) -> Pixels:
    """Nearest-neighbour scaling: quality does not matter, the result must only be the same each time."""
    places = np.arange(size) * pictures.shape[1] // size
    return np.ascontiguousarray(pictures[:, places][:, :, places])


def store_golden(file: Path, manifest: ModelManifest, pictures: Pixels, alphas: Pixels) -> None:
    """Store alphas for these weights and images."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(part, alphas=alphas, of=_of(manifest, pictures))
    part.replace(file)


def _stored(file: Path, manifest: ModelManifest, pictures: Pixels) -> Pixels | None:
    try:
        with np.load(file) as stored:
            return np.asarray(stored["alphas"], np.uint8) if str(stored["of"]) == _of(manifest, pictures) else None
    except (OSError, KeyError, ValueError):  # missing or damaged
        return None


def _of(manifest: ModelManifest, pictures: Pixels) -> str:
    """Identifies weights and images."""
    return f"{manifest.sha256} {hashlib.sha256(pictures.tobytes()).hexdigest()}"
