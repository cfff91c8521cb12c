"""Golden pictures: what a backend has to give for them before it serves, and how far it may be off.

The probe of `backend.py` sees that the network does its work at all; these see that it does so as well as in fp32 on
the CPU. The pictures are renders of our own. Alphas of shipped models are stored beside them, others are computed once.
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

FOLDER = MODELS / "golden"
DEFAULT_GATE = Gate(mean=0.5, p99_9=5)
"""For a precision of which the manifest says nothing."""

Infer = Callable[[Pixels], Pixels]
"""uint8 [N,S,S,3] → uint8 [N,S,S]."""


class TooFar(BackendError):
    """The backend works, and its alphas are too far from fp32 on the CPU: it would be so again."""


@dataclass(frozen=True)
class Distance:
    """How far alphas are from those of fp32 on the CPU, in levels of 255."""

    mean: float
    p99_9: float
    largest: int

    def __str__(self) -> str:
        return f"mean {self.mean:.3f}, 99.9th percentile {self.p99_9:.1f}, largest {self.largest} of 255"


@dataclass(frozen=True)
class Golden:
    """Pictures uint8 [K,S,S,3] and what the fp32 weights make of them on the CPU, uint8 [K,S,S]."""

    pictures: Pixels
    alphas: Pixels

    def check(self, infer: Infer, gate: Gate, batches: tuple[int, ...]) -> Distance:
        """Run all pictures in batches of each size, and return the largest distance that was found.

        Raises:
            TooFar: the alphas are too far off.
            BackendError: the backend failed.
        """
        worst = Distance(0.0, 0.0, 0)
        for size in batches:
            found = self.distance(infer, size)
            if found.mean > gate.mean or found.p99_9 > gate.p99_9:
                raise TooFar(
                    f"on the golden pictures in batches of {size} it is too far from fp32 on the CPU: {found}; at most "
                    f"mean {gate.mean:g}, 99.9th percentile {gate.p99_9:g}"
                )
            worst = max(worst, found, key=lambda each: each.p99_9)
        return worst

    def distance(self, infer: Infer, size: int) -> Distance:
        """With batches of `size`, the pictures repeated until the last batch is full."""
        count = -(-len(self.pictures) // size) * size
        places = np.arange(count) % len(self.pictures)
        found = [infer(self.pictures[part]) for part in np.split(places, count // size)]
        apart = np.abs(np.concatenate(found).astype(np.int16) - self.alphas[places])
        return Distance(float(apart.mean()), float(np.percentile(apart, 99.9)), int(apart.max()))


def golden(manifest: ModelManifest, reference: Callable[[], Infer], kept: Path) -> Golden:
    """The golden pictures at the model's size with its alphas.

    Args:
        reference: gives the fp32 weights on the CPU; is called for models that have no stored alphas.
        kept: folder that keeps what was computed.

    Raises:
        BackendError: the reference cannot be computed.
    """
    pictures = scaled(golden_pictures(), manifest.input.size)
    for file in (FOLDER / f"{manifest.name}.npz", kept / f"{manifest.sha256[:16]}-golden.npz"):
        alphas = _stored(file, manifest, pictures)
        if alphas is not None:
            return Golden(pictures, alphas)
    infer = reference()
    alphas = np.concatenate([infer(each[None]) for each in pictures])
    try:
        store(file, manifest, pictures, alphas)
    except OSError as error:  # then they are computed at each start
        log.warning("golden_not_kept", model=manifest.label, file=str(file), reason=str(error))
    return Golden(pictures, alphas)


@cache
def golden_pictures() -> Pixels:
    """uint8 [K,384,384,3]."""
    with np.load(FOLDER / "pictures.npz") as stored:
        return np.asarray(stored["pictures"], np.uint8)


def scaled(pictures: Pixels, size: int) -> Pixels:
    """Pixels repeated or left out: any picture of the right size does, as long as it is the same one each time."""
    places = np.arange(size) * pictures.shape[1] // size
    return np.ascontiguousarray(pictures[:, places][:, :, places])


def store(file: Path, manifest: ModelManifest, pictures: Pixels, alphas: Pixels) -> None:
    """Keep alphas for these weights and pictures."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    np.savez_compressed(part, alphas=alphas, of=_of(manifest, pictures))
    part.replace(file)


def _stored(file: Path, manifest: ModelManifest, pictures: Pixels) -> Pixels | None:
    try:
        with np.load(file) as stored:
            return np.asarray(stored["alphas"], np.uint8) if str(stored["of"]) == _of(manifest, pictures) else None
    except (OSError, KeyError, ValueError):  # missing, or not what we wrote
        return None


def _of(manifest: ModelManifest, pictures: Pixels) -> str:
    """What alphas belong to."""
    return f"{manifest.sha256} {hashlib.sha256(pictures.tobytes()).hexdigest()}"
